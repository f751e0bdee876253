import type { Database } from 'better-sqlite3';
import { FlatMachineError } from '../../errors.ts';

/**
 * What leads from each version of the schema to the next. Entries are never changed once released, only added:
 * `PRAGMA user_version` says how many of them a file has seen.
 *
 * `steps` is append-only and dense, which keeps a step's share of the disk near its own size; its index finds the newest step at once.
 * What stays the same from step to step is in `origins`. The row in `executions` is written when the status changes only: while it is
 * `running`, where an execution stands is what its newest step says. Tokens of leases are never used twice, whatever is deleted.
 *
 * `waits.ready` is 1 once the wait was given the signal it waits for, or a child in `awaited` has ended: it keeps finding those few among many at one
 * look into an index. `signals.given` counts the waits that were ever given it; 0 = it is queued, and then nobody waits on its channel.
 *
 * `items.state` is the status, or `delayed`; `rank` orders those of one state as they are looked for: `pending` by falling priority, `delayed` by the
 * wall clock, `claimed` by when their lease runs out on the lease clock of the boot in `lease_boot`, the rest by id alone. `claim_token` is that of the
 * claim, or of the one that made it `done`; `ended` says how, and with which token, the last attempt ended that did not. So one index finds whatever is next.
 * Data that is long is in `large_data`, where a claim does not write it anew. `pools.changes` counts what whoever watches wants to
 * know, as long as `watched`, a time of that clock, is to come: it costs every commit a page.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE executions (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     execution_id TEXT NOT NULL UNIQUE,
     machine_name TEXT NOT NULL,
     machine_file TEXT,
     parent_execution_id TEXT,
     status TEXT NOT NULL,
     state TEXT NOT NULL,
     step INTEGER NOT NULL,
     created_at TEXT NOT NULL,
     updated_at TEXT NOT NULL,
     error TEXT,
     cancel_requested INTEGER NOT NULL DEFAULT 0
   );
   CREATE INDEX executions_by_status ON executions (status, updated_at);
   CREATE TABLE origins (
     id INTEGER PRIMARY KEY,
     execution INTEGER NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
     body TEXT NOT NULL
   );
   CREATE INDEX origins_by_execution ON origins (execution);
   CREATE TABLE steps (
     id INTEGER PRIMARY KEY,
     execution INTEGER NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
     step INTEGER NOT NULL,
     origin INTEGER NOT NULL,
     created_at TEXT NOT NULL,
     state TEXT NOT NULL,
     checksum INTEGER NOT NULL,
     body TEXT NOT NULL,
     events TEXT,
     UNIQUE (execution, step)
   );
   CREATE TABLE leases (
     token INTEGER PRIMARY KEY AUTOINCREMENT,
     key TEXT NOT NULL UNIQUE,
     holder TEXT NOT NULL,
     expires REAL NOT NULL,
     acquired_at TEXT NOT NULL
   );
   CREATE TABLE results (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     execution_id TEXT NOT NULL,
     path TEXT NOT NULL,
     data TEXT NOT NULL,
     UNIQUE (execution_id, path)
   );
   CREATE TABLE environments (
     environment_id TEXT PRIMARY KEY,
     pool TEXT NOT NULL,
     runner TEXT NOT NULL,
     state TEXT NOT NULL,
     address TEXT NOT NULL,
     spec TEXT NOT NULL,
     owner TEXT NOT NULL,
     created_at TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE slots (
     slot_id TEXT PRIMARY KEY,
     alloc_id TEXT NOT NULL,
     container_addr TEXT NOT NULL,
     workspace_dir TEXT NOT NULL,
     state TEXT NOT NULL,
     trajectory_id TEXT,
     metadata TEXT NOT NULL,
     pool TEXT NOT NULL,
     token INTEGER NOT NULL
   );
   CREATE INDEX slots_by_state ON slots (pool, state, alloc_id);
   CREATE INDEX slots_by_environment ON slots (alloc_id);
   CREATE INDEX slots_by_trajectory ON slots (trajectory_id) WHERE trajectory_id IS NOT NULL;`,

  `CREATE TABLE journal (
     id INTEGER PRIMARY KEY,
     execution_id TEXT NOT NULL,
     work INTEGER NOT NULL,
     key TEXT NOT NULL,
     checksum INTEGER NOT NULL,
     value TEXT NOT NULL,
     UNIQUE (execution_id, work, key)
   );
   CREATE TABLE signals (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     channel TEXT NOT NULL,
     checksum INTEGER NOT NULL,
     data TEXT NOT NULL,
     sent_at TEXT NOT NULL,
     given INTEGER NOT NULL
   );
   CREATE INDEX signals_queued ON signals (channel, id) WHERE given = 0;
   CREATE TABLE waits (
     id INTEGER PRIMARY KEY,
     execution_id TEXT NOT NULL,
     work INTEGER NOT NULL,
     channel TEXT,
     deadline REAL,
     signal INTEGER REFERENCES signals (id),
     ready INTEGER NOT NULL DEFAULT 0,
     UNIQUE (execution_id, work)
   );
   CREATE INDEX waits_open ON waits (channel, id) WHERE signal IS NULL;
   CREATE INDEX waits_ready ON waits (id) WHERE ready = 1;
   CREATE INDEX waits_by_deadline ON waits (deadline) WHERE deadline IS NOT NULL;
   CREATE INDEX waits_by_signal ON waits (signal) WHERE signal IS NOT NULL;
   CREATE TABLE awaited (
     child TEXT NOT NULL,
     wait INTEGER NOT NULL REFERENCES waits (id) ON DELETE CASCADE,
     PRIMARY KEY (child, wait)
   ) WITHOUT ROWID;
   CREATE INDEX awaited_by_wait ON awaited (wait);
   CREATE INDEX executions_by_parent ON executions (parent_execution_id, status, updated_at);`,

  `CREATE TABLE pools (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     changes INTEGER NOT NULL DEFAULT 0,
     watched REAL NOT NULL DEFAULT 0
   );
   CREATE TABLE items (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     pool INTEGER NOT NULL,
     state TEXT NOT NULL,
     rank REAL NOT NULL,
     priority INTEGER NOT NULL,
     dedupe TEXT,
     attempts INTEGER NOT NULL DEFAULT 0,
     max_retries INTEGER NOT NULL,
     pushed_at INTEGER NOT NULL,
     claimable_at INTEGER NOT NULL,
     claimed_by TEXT,
     claimed_at INTEGER,
     claim_token TEXT,
     finished_at INTEGER,
     ended TEXT,
     error TEXT,
     result TEXT,
     data TEXT
   );
   CREATE INDEX items_in_line ON items (pool, state, rank);
   CREATE UNIQUE INDEX items_by_dedupe ON items (pool, dedupe) WHERE dedupe IS NOT NULL;
   CREATE TABLE large_data (
     item INTEGER PRIMARY KEY,
     data TEXT NOT NULL
   );
   CREATE TABLE lease_boot (
     boot TEXT NOT NULL
   );
   CREATE TABLE workers (
     worker_id TEXT PRIMARY KEY,
     boot TEXT,
     beat REAL NOT NULL,
     body TEXT NOT NULL
   ) WITHOUT ROWID;`,
];

/**
 * Brings the schema of an open file up to date; several processes may do it at once.
 * @throws FlatMachineError `backend` for a file that a newer version has written
 */
export function migrate(connection: Database): void {
  const version = connection.prepare<[], number>('PRAGMA user_version').pluck();
  if (version.get() === MIGRATIONS.length) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    upgrade(connection, version.get() ?? 0);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

function upgrade(connection: Database, seen: number): void {
  if (seen > MIGRATIONS.length) {
    throw new FlatMachineError(
      'backend',
      `${connection.name} was written by a newer version of flatmachine`,
      {
        remedy: 'Update flatmachine, or use another file.',
      },
    );
  }
  for (const migration of MIGRATIONS.slice(seen)) connection.exec(migration);
  connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
}
