import type { Migration } from '../schema.ts';

/**
 * `record` is what a worker says of itself, JSON. `version` grows with each change, so that one that was computed from an older look is not written; `change`
 * is the nonce of the newest one, so that one whose answer was lost is known again. `stale_after` is in seconds.
 */
export const REGISTRATION: Migration = {
  name: 'registration',
  sql: `
CREATE TABLE workers (
  worker_id text COLLATE "C" PRIMARY KEY,
  status text NOT NULL,
  stale_after double precision NOT NULL,
  registered_at timestamptz NOT NULL,
  last_heartbeat timestamptz NOT NULL,
  version bigint NOT NULL,
  change uuid NOT NULL,
  record text NOT NULL
);`,
};
