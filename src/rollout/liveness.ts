import type { BackendSet } from '../backends/interfaces.ts';
import { TERMINAL_STATUSES } from '../machine/snapshot.ts';

/**
 * Where the owner of a slot stands. `alive`: some process runs it. `waiting`: nobody does, until what it waits for has come; then it wants its workspace back. `resumable`: nobody does, but it may be resumed and then wants
 * its workspace back. `ended`: it is over, or was never recorded.
 */
export type Standing =
  | { is: 'alive' }
  | { is: 'waiting' }
  | { is: 'resumable'; updated: number }
  | { is: 'ended' };

/** Where an execution stands; `updated` is its last commit, milliseconds since the epoch. */
export async function standingOf(backends: BackendSet, executionId: string): Promise<Standing> {
  const holder = await backends.locking.holder(executionId);
  if (holder !== null && holder.expires_in > 0) return { is: 'alive' };
  return storedStanding(backends, executionId);
}

/** As {@link standingOf}, whoever holds its lease: for one who holds it to see whether this execution is over. */
export async function storedStanding(backends: BackendSet, executionId: string): Promise<Standing> {
  const latest = await backends.persistence.latest(executionId);
  if (latest === null || TERMINAL_STATUSES.has(latest.status)) return { is: 'ended' };
  if (latest.status === 'waiting') return { is: 'waiting' };
  return { is: 'resumable', updated: Date.parse(latest.created_at) };
}

/**
 * Does something on behalf of an execution that nobody runs, with its lease held so that no resume gets in between.
 * @returns false when somebody runs it after all
 */
export async function underItsLease(
  backends: BackendSet,
  executionId: string,
  work: () => Promise<void>,
): Promise<boolean> {
  if (!(await backends.locking.acquire(executionId))) return false;
  try {
    await work();
    return true;
  } finally {
    await backends.locking.release(executionId);
  }
}
