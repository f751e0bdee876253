import { FlatMachineError } from '../../errors.ts';
import type { BackendOptions, BackendRoles } from '../interfaces.ts';
import { createLeases } from '../leases.ts';
import type { BackendUrl } from '../url.ts';
import { createWorkBackend } from '../work-backend.ts';
import { createPostgresJournal } from './journal.ts';
import { createPostgresLeases } from './lease-rows.ts';
import { createPostgresPersistence } from './persistence.ts';
import { createPostgresRegistration } from './registration.ts';
import { createPostgresResults } from './results.ts';
import { postgresSettings } from './settings.ts';
import { createPostgresSignals } from './signals.ts';
import { createPostgresSlots } from './slots.ts';
import { openStore } from './store.ts';
import { createPostgresWork } from './work.ts';

/** Seconds between a lease's heartbeats unless the options say otherwise. */
const DEFAULT_HEARTBEAT = 30;

/**
 * Opens a schema of a PostgreSQL database, creating it and its tables on first use.
 * @param url `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME&pool=N` and what else libpq takes
 * @throws FlatMachineError `usage` for options it cannot keep, `backend` when the server cannot be reached or used, `missing-package` without `pg`
 */
export async function openPostgres(url: BackendUrl, options: BackendOptions = {}): Promise<BackendRoles> {
  const { durability, heartbeatInterval = DEFAULT_HEARTBEAT, onWarning = () => {} } = options;
  if (durability === 'none') {
    throw new FlatMachineError(
      'usage',
      'postgres has the durabilities power-loss and process-crash, not none',
    );
  }
  if (!(heartbeatInterval > 0)) {
    throw new FlatMachineError(
      'usage',
      `the heartbeat interval must be above 0 seconds, not ${heartbeatInterval}`,
    );
  }
  const store = await openStore(postgresSettings(url), durability, onWarning);
  const locking = createLeases(createPostgresLeases(store), heartbeatInterval, onWarning);
  const signals = createPostgresSignals(store);
  const results = createPostgresResults(store, onWarning);
  const work = createPostgresWork(store, onWarning);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    signals.close();
    try {
      await Promise.all([results.close(), work.close(), locking.close()]);
    } finally {
      await store.close();
    }
  }

  return {
    url: store.settings.shown,
    durability: store.durability,
    persistence: createPostgresPersistence(store, onWarning),
    locking,
    journal: createPostgresJournal(store),
    signals,
    results,
    slots: createPostgresSlots(store),
    registration: createPostgresRegistration(store),
    work: createWorkBackend(work),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
