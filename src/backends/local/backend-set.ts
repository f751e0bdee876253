import { FlatMachineError } from '../../errors.ts';
import type { BackendOptions, BackendRoles } from '../interfaces.ts';
import { createLeases } from '../leases.ts';
import type { BackendUrl } from '../url.ts';
import { createLocalJournal } from './journal.ts';
import { createLocalLeases } from './lease-files.ts';
import { createLocalPersistence } from './persistence.ts';
import { createLocalResults } from './results.ts';
import { openLocalStore } from './store.ts';

/** Where executions are kept when the URL does not say. */
const DEFAULT_DIRECTORY = '.flatmachine/executions';

/** Seconds between a lease's heartbeats unless the options say otherwise. */
const DEFAULT_HEARTBEAT = 30;

/**
 * Opens a directory of files, creating it on first use: steps, journals, locks and results; no slots, signals, work pools or register.
 * @param url its location is the path, relative to the working directory; default `.flatmachine/executions`
 * @throws FlatMachineError `usage` for options it cannot keep, `backend` when the directory cannot be used
 */
export async function openLocal(
  { location }: BackendUrl,
  options: BackendOptions = {},
): Promise<BackendRoles> {
  const { durability = 'power-loss', heartbeatInterval = DEFAULT_HEARTBEAT, onWarning = () => {} } = options;
  if (durability === 'none') {
    throw new FlatMachineError('usage', 'local has the durabilities power-loss and process-crash, not none');
  }
  if (!(heartbeatInterval > 0)) {
    throw new FlatMachineError(
      'usage',
      `the heartbeat interval must be above 0 seconds, not ${heartbeatInterval}`,
    );
  }
  const directory = location === '' ? DEFAULT_DIRECTORY : location;
  const store = await openLocalStore(directory, durability);
  const leases = createLocalLeases(store, onWarning);
  const locking = createLeases(leases, heartbeatInterval, onWarning);
  const journal = createLocalJournal(store, leases, onWarning);
  const results = createLocalResults(store, onWarning);
  let closing: Promise<void> | null = null;

  /** What was asked for is written first, under leases that still stand. */
  async function close(): Promise<void> {
    results.close();
    try {
      await journal.idle();
      await store.idle();
      await locking.close();
      await store.idle();
    } finally {
      store.close();
    }
  }

  return {
    url: `local:${directory}`,
    durability,
    persistence: createLocalPersistence(store, leases, journal, onWarning),
    locking,
    results,
    journal,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
