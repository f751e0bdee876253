import type { Migration } from '../schema.ts';

/**
 * `steps` is append-only; its index finds the newest step at once. What stays the same from step to step is in `origins`, under the checksum of its text. The
 * row in `executions` is written when the status changes only: while it is `running`, where an execution stands is what its newest step says. A step's `nonce`
 * tells a writer that lost its connection whether the step is its own.
 */
export const EXECUTIONS: Migration = {
  name: 'executions',
  sql: `
CREATE TABLE executions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  execution_id text COLLATE "C" NOT NULL UNIQUE,
  machine_name text NOT NULL,
  machine_file text,
  parent_execution_id text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  state text NOT NULL,
  step bigint NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  updated_at text COLLATE "C" NOT NULL,
  error text,
  cancel_requested boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX executions_by_status ON executions (status, updated_at DESC);
CREATE INDEX executions_by_parent ON executions (parent_execution_id, status, updated_at DESC);

CREATE TABLE origins (
  execution bigint NOT NULL,
  id bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (execution, id)
);

CREATE TABLE steps (
  execution bigint NOT NULL,
  step bigint NOT NULL,
  origin bigint NOT NULL,
  checksum bigint NOT NULL,
  nonce uuid NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  state text NOT NULL,
  body text NOT NULL,
  events text,
  PRIMARY KEY (execution, step)
);`,
};
