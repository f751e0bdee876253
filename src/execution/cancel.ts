import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, LeaseHolder } from '../backends/interfaces.ts';
import type { ExecutionStatus } from '../events.ts';
import { type MachineSnapshot, stepKey, TERMINAL_STATUSES } from '../machine/snapshot.ts';
import type { Clock } from '../types.ts';
import { latestOf } from './engine.ts';

/** How often a cancellation looks whether the execution has ended, milliseconds. */
const LOOK_MS = 100;

/** What a cancellation came to. */
export interface CancelResult {
  /** Where the execution stands now; a terminal status unless the wait ran out. */
  status: ExecutionStatus;
  /**
   * How it ended: `before` it was asked, `holder` = whoever ran it ended it, `here` = nobody runs it any more, so that the caller must give
   * back what it owned; null = not yet.
   */
  by: 'before' | 'holder' | 'here' | null;
  /** Who still runs it, or still gives back what it owned, when the wait ran out. */
  holder: LeaseHolder | null;
}

/**
 * Ends an execution. Whoever runs it is asked to, and waited for until everything is given back; if nobody does, or its holder dies meanwhile, its lease is taken and the
 * cancelled record written here.
 * @param waitMs how long to wait for the holder, milliseconds
 * @throws FlatMachineError `execution-not-found`
 */
export async function cancelExecution(
  backends: BackendSet,
  executionId: string,
  clock: Clock,
  waitMs: number,
): Promise<CancelResult> {
  const { locking, persistence } = backends;
  const until = clock.monotonic() + waitMs;
  let last = await latestOf(backends, executionId);
  let asked = false;
  while (!TERMINAL_STATUSES.has(last.status)) {
    if (await locking.acquire(executionId)) return cancelHere(backends, executionId, clock);
    if (!asked) await persistence.requestCancel(executionId);
    asked = true;
    if (clock.monotonic() >= until) {
      return { status: last.status, by: null, holder: await locking.holder(executionId) };
    }
    await sleep(LOOK_MS);
    last = await latestOf(backends, executionId);
  }
  if (!asked) return { status: last.status, by: 'before', holder: null };
  return afterItsEnd(backends, last, clock, until);
}

/** Waits until the holder has given back what the execution owned. One that died over that leaves it to the caller. */
async function afterItsEnd(
  { locking }: BackendSet,
  { execution_id: id, status }: MachineSnapshot,
  clock: Clock,
  until: number,
): Promise<CancelResult> {
  for (;;) {
    const holder = await locking.holder(id);
    if (holder === null || clock.monotonic() >= until) return { status, by: 'holder', holder };
    if (holder.expires_in <= 0) return { status, by: 'here', holder: null };
    await sleep(LOOK_MS);
  }
}

/** With the lease held: it is given back at the end. */
async function cancelHere(backends: BackendSet, executionId: string, clock: Clock): Promise<CancelResult> {
  const { locking, persistence } = backends;
  try {
    const last = await latestOf(backends, executionId);
    if (TERMINAL_STATUSES.has(last.status)) return { status: last.status, by: 'holder', holder: null };
    const lease = locking.lease(executionId);
    const snapshot = cancelledAfter(last, clock, lease?.token ?? 0);
    await persistence.save(stepKey(executionId, snapshot.step), snapshot, {
      // What it waited for and never used is still good for others.
      over: { work: last.work_step, signal: 'returned' },
      ...(lease === null ? {} : { fence: lease }),
    });
    return { status: 'cancelled', by: 'here', holder: null };
  } finally {
    await locking.release(executionId);
  }
}

function cancelledAfter(last: MachineSnapshot, clock: Clock, epoch: number): MachineSnapshot {
  const { error: _error, output: _output, deadline: _deadline, waiting_channel: _channel, ...kept } = last;
  return {
    ...kept,
    current_state: last.next_state ?? last.current_state,
    next_state: null,
    step: last.step + 1,
    work_step: last.step + 2,
    created_at: new Date(clock.now()).toISOString(),
    status: 'cancelled',
    event: 'cancel',
    epoch,
  };
}
