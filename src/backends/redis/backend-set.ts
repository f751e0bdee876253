import { FlatMachineError } from '../../errors.ts';
import type { BackendOptions, BackendRoles } from '../interfaces.ts';
import { createLeases } from '../leases.ts';
import type { BackendUrl } from '../url.ts';
import { createWorkBackend } from '../work-backend.ts';
import { checkAccess } from './access.ts';
import { openStore, type RedisStore } from './connection.ts';
import { checkDurability } from './durability.ts';
import { createRedisJournal } from './journal.ts';
import { createRedisLeases } from './lease-store.ts';
import { createRedisPersistence } from './persistence.ts';
import { createRedisRegistration } from './registration.ts';
import { createRedisResults } from './results.ts';
import { createRedisSignals } from './signals.ts';
import { createRedisSlots } from './slots.ts';
import { createRedisWork } from './work.ts';

/** Seconds between a lease's heartbeats unless the options say otherwise. */
const DEFAULT_HEARTBEAT = 30;

/**
 * Opens a store on a Redis or Valkey server, `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?prefix=NAME]`, or `rediss:` for TLS: a single node, or one slot of
 * a cluster through whoever leads there. What it stores is under the prefix, `flatmachine` unless given.
 * @throws FlatMachineError `usage` for an address or options that are none, `missing-package`, `backend` when the server cannot be reached within 10 s,
 *   refuses, is a replica, or is less durable than was asked for
 */
export async function openRedis(url: BackendUrl, options: BackendOptions = {}): Promise<BackendRoles> {
  const { heartbeatInterval = DEFAULT_HEARTBEAT, onWarning = () => {} } = options;
  if (!(heartbeatInterval > 0)) {
    throw new FlatMachineError(
      'usage',
      `the heartbeat interval must be above 0 seconds, not ${heartbeatInterval}`,
    );
  }
  const store = await openStore(url);
  try {
    await checkAccess(store);
    const durability = await checkDurability(store, options.durability, onWarning);
    return rolesOf(store, { durability, heartbeatInterval, onWarning });
  } catch (error) {
    await store.close();
    throw error;
  }
}

function rolesOf(
  store: RedisStore,
  { durability, heartbeatInterval, onWarning }: Required<BackendOptions>,
): BackendRoles {
  const locking = createLeases(createRedisLeases(store), heartbeatInterval, onWarning);
  const results = createRedisResults(store);
  const signals = createRedisSignals(store);
  const work = createRedisWork(store);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    results.close();
    work.close();
    signals.close();
    try {
      await locking.close();
    } finally {
      await store.close();
    }
  }

  return {
    url: store.location,
    durability,
    persistence: createRedisPersistence(store, onWarning),
    locking,
    results,
    slots: createRedisSlots(store),
    journal: createRedisJournal(store),
    signals,
    registration: createRedisRegistration(store),
    work: createWorkBackend(work),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
