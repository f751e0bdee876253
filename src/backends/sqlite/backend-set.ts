import { FlatMachineError } from '../../errors.ts';
import type { BackendOptions, BackendRoles } from '../interfaces.ts';
import { createLeases } from '../leases.ts';
import type { BackendUrl } from '../url.ts';
import { createWorkBackend } from '../work-backend.ts';
import { openStore } from './database.ts';
import { createSqliteJournal } from './journal.ts';
import { createSqliteLeases } from './lease-rows.ts';
import { createSqlitePersistence } from './persistence.ts';
import { createSqliteRegistration } from './registration.ts';
import { createSqliteResults } from './results.ts';
import { createSqliteSignals } from './signals.ts';
import { createSqliteSlots } from './slots.ts';
import { createSqliteWork } from './work.ts';

/** Seconds between a lease's heartbeats unless the options say otherwise. */
const DEFAULT_HEARTBEAT = 30;

/**
 * Opens a SQLite file, creating it and its directory on first use.
 * @param url its location is the path, relative to the working directory
 * @throws FlatMachineError `usage` for options it cannot keep, `backend` when the file cannot be opened
 */
export function openSqlite({ location }: BackendUrl, options: BackendOptions = {}): BackendRoles {
  const { durability = 'power-loss', heartbeatInterval = DEFAULT_HEARTBEAT, onWarning = () => {} } = options;
  if (location === '')
    throw new FlatMachineError('usage', 'a sqlite URL needs a path', { remedy: 'Use sqlite:PATH.' });
  if (durability === 'none') {
    throw new FlatMachineError('usage', 'sqlite has the durabilities power-loss and process-crash, not none');
  }
  if (!(heartbeatInterval > 0)) {
    throw new FlatMachineError(
      'usage',
      `the heartbeat interval must be above 0 seconds, not ${heartbeatInterval}`,
    );
  }
  const store = openStore(location, durability);
  const locking = createLeases(createSqliteLeases(store), heartbeatInterval, onWarning);
  const results = createSqliteResults(store);
  const signals = createSqliteSignals(store);
  const work = createSqliteWork(store);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    results.close();
    signals.close();
    work.close();
    try {
      await locking.close();
    } finally {
      await store.close();
    }
  }

  return {
    url: `sqlite:${location}`,
    durability,
    persistence: createSqlitePersistence(store, onWarning),
    locking,
    results,
    slots: createSqliteSlots(store),
    journal: createSqliteJournal(store),
    signals,
    registration: createSqliteRegistration(store),
    work: createWorkBackend(work),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
