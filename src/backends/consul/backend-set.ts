import { storeClosed } from '../failures.ts';
import type { BackendOptions, BackendRoles, ExecutionLock } from '../interfaces.ts';
import { createLeases } from '../leases.ts';
import type { BackendUrl } from '../url.ts';
import { parseConsulUrl } from './address.ts';
import { createAgent } from './agent.ts';
import { checkHeartbeat, createConsulLeases, MIN_TTL } from './leases.ts';

/** Seconds between a lease's heartbeats unless the options say otherwise. */
const DEFAULT_HEARTBEAT = 30;

/**
 * Opens the leases of a Consul cluster. A heartbeat below 5 s is kept, but what a dead process held stays taken for 10 to 20 s, Consul's shortest
 * session; a warning says so.
 * @throws FlatMachineError `usage`, `backend` when the cluster does not answer
 */
export async function openConsul(url: BackendUrl, options: BackendOptions = {}): Promise<BackendRoles> {
  const { heartbeatInterval = DEFAULT_HEARTBEAT, onWarning = () => {} } = options;
  checkHeartbeat(heartbeatInterval);
  const agent = createAgent(parseConsulUrl(url));
  await agent.ask('GET', 'status/leader', undefined);
  if (2000 * heartbeatInterval < MIN_TTL) {
    onWarning(
      `${agent.address.shown} keeps no lease for less than ${MIN_TTL / 1000} s: one whose holder died is free after that, not after ${2 * heartbeatInterval} s`,
    );
  }
  const store = createConsulLeases(agent);
  const leases = createLeases(store, heartbeatInterval, onWarning);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    try {
      await leases.close();
    } finally {
      await store.close();
    }
  }

  const locking: ExecutionLock = {
    ...leases,
    acquire: (key) => (closing ? Promise.reject(storeClosed()) : leases.acquire(key)),
  };
  return {
    url: agent.address.shown,
    // Consul's log is on the disks of most of its servers before it answers.
    durability: 'power-loss',
    locking,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
