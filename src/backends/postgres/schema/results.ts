import type { Migration } from '../schema.ts';

/** `key` is a digest of execution and path, since a path may be longer than an index takes; `path` is JSON, since it may hold anything. */
export const RESULTS: Migration = {
  name: 'results',
  sql: `
CREATE TABLE results (
  key text COLLATE "C" PRIMARY KEY,
  execution_id text COLLATE "C" NOT NULL,
  path text NOT NULL,
  data text NOT NULL
);
CREATE INDEX results_by_execution ON results (execution_id);`,
};
