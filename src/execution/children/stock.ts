import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { budgetOf } from '../budget.ts';
import { isFinished, resultOf } from '../engine.ts';
import type { ExecutionSetup } from '../setup.ts';
import type { ChildEnd } from './outcome.ts';

/** Where a child stands that an earlier run has begun. */
export interface Standing {
  readonly end: ChildEnd;
  /** Whether a run of it would change nothing: it has ended and given everything back, or waits for a signal that has not come. */
  readonly atRest: boolean;
}

/**
 * Looks where children stand before any of them goes on: what all of them have used counts from then on, and of ten thousand only those are run that have something to do.
 * @param setupOf the setup of the child at this place
 * @returns by place; null = it was never begun
 */
export async function takeStock(
  count: number,
  setupOf: (index: number) => ExecutionSetup,
): Promise<(Standing | null)[]> {
  const standings: (Standing | null)[] = [];
  let ready: ReadonlySet<string> | null = null;
  for (let i = 0; i < count; i++) {
    const setup = setupOf(i);
    const last = await setup.backends.persistence.latest(setup.executionId);
    if (last === null) {
      standings.push(null);
      continue;
    }
    budgetOf(setup, last);
    if (last.status === 'waiting') ready ??= await readyNow(setup);
    const { execution_id, status, output, error } = resultOf(last);
    standings.push({
      end: { execution_id, status, output, error },
      atRest: await isAtRest(setup, last, ready),
    });
  }
  return standings;
}

async function readyNow({ backends, clock }: ExecutionSetup): Promise<ReadonlySet<string>> {
  const waits = await backends.signals.ready(clock.now(), Number.POSITIVE_INFINITY);
  return new Set(waits.map((wait) => wait.execution_id));
}

async function isAtRest(
  { backends, executionId }: ExecutionSetup,
  { status, waiting_channel, pending_launches }: MachineSnapshot,
  ready: ReadonlySet<string> | null,
): Promise<boolean> {
  if (pending_launches !== undefined) return false;
  if (TERMINAL_STATUSES.has(status)) return isFinished(backends, executionId);
  // One that waits for children of its own may have some that were stopped by hand: they are looked after when it is run.
  if (status !== 'waiting' || waiting_channel === undefined || ready?.has(executionId)) return false;
  if (await backends.persistence.cancelRequested(executionId)) return false;
  return (await backends.locking.holder(executionId)) === null;
}
