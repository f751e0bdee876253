import type { BackendSet } from '../backends/interfaces.ts';
import { resultUri } from '../backends/result-uri.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, toError } from '../errors.ts';
import { type MachineSnapshot, stepKey, TERMINAL_STATUSES } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { budgetOf } from './budget.ts';
import { cancelChildren, cancelLeftBehind } from './children/cancel.ts';
import { resumeLaunched } from './children/launch.ts';
import { firstSnapshot } from './first-snapshot.ts';
import { type Held, holding } from './hold.ts';
import { WorkJournal } from './journal.ts';
import { Launches } from './launches.ts';
import { prepareResume, type ResumeChange } from './resume.ts';
import { Run } from './run.ts';
import type { ExecutionResult, ExecutionSetup, ExecutionStart } from './setup.ts';

/**
 * Starts an execution and runs it until it ends, waits, reaches its limit or is interrupted.
 * @throws FlatMachineError `locked`, `execution-exists`; `lease-lost`, `step-conflict` and `backend` when nothing more may or can be written
 */
export async function startExecution(setup: ExecutionSetup, start: ExecutionStart): Promise<ExecutionResult> {
  return holding(setup, async (held) => {
    const { executionId, backends } = setup;
    if ((await backends.persistence.latest(executionId)) !== null) {
      throw new FlatMachineError('execution-exists', `there is an execution "${executionId}" already`, {
        remedy: `Run \`flatmachine resume ${executionId}\`, or choose another id.`,
      });
    }
    const first = await firstSnapshot(setup, held, start);
    await backends.persistence.save(stepKey(executionId, 0), first, fenced(held));
    crashPoint('execution.started');
    start.onStored?.();
    held.recorder.emit({
      type: 'execution_start',
      machine: setup.machine.name,
      resumed: false,
      from_step: 0,
    });
    return runToEnd(setup, held, first, false);
  });
}

/**
 * Goes on with an execution from its last commit. One that is completed or cancelled runs nothing: its stored
 * result is returned, and what it may still own is given back.
 * @throws FlatMachineError `locked` (naming the holder), `execution-not-found`, `config-drift`, and as {@link startExecution}
 */
export async function resumeExecution(
  setup: ExecutionSetup,
  change: ResumeChange = {},
): Promise<ExecutionResult> {
  return holding(setup, async (held) => {
    const { recorder } = held;
    const last = await latestOf(setup.backends, setup.executionId);
    recorder.enter(last.step, last.next_state);
    const ended = last.status === 'completed' || last.status === 'cancelled';
    if (ended || (last.status === 'failed' && change.retry === false)) {
      // Made for a cancelled one as well: what it has used counts in its parent's.
      const budget = budgetOf(setup, last);
      if (last.status !== 'cancelled') {
        await resumeLaunched(setup, budget, last, new Launches([]));
        setup.background.add(cancelLeftBehind(setup, Number.POSITIVE_INFINITY));
      }
      await finish(setup, held, last);
      return resultOf(last);
    }
    if (last.status === 'failed') await setup.backends.persistence.withdrawCancel(setup.executionId);
    await held.stop.look();
    const epoch = held.lease?.token ?? 0;
    const snapshot = prepareResume(setup.machine, last, change, setup.clock.now(), epoch);
    if (snapshot.step > last.step) {
      await setup.backends.persistence.save(stepKey(snapshot.execution_id, snapshot.step), snapshot, {
        ...fenced(held),
        over: { work: last.work_step, signal: 'returned' },
      });
    }
    recorder.emit({
      type: 'execution_start',
      machine: setup.machine.name,
      resumed: true,
      from_step: snapshot.step,
    });
    return runToEnd(setup, held, snapshot, true);
  });
}

/** The newest record of an execution. @throws FlatMachineError `execution-not-found` */
export async function latestOf(backends: BackendSet, executionId: string): Promise<MachineSnapshot> {
  const last = await backends.persistence.latest(executionId);
  if (last !== null) return last;
  throw new FlatMachineError(
    'execution-not-found',
    `no execution "${executionId}" is stored in ${backends.url}`,
  );
}

async function runToEnd(
  setup: ExecutionSetup,
  held: Held,
  snapshot: MachineSnapshot,
  resumed: boolean,
): Promise<ExecutionResult> {
  const { recorder, lease } = held;
  const journal = new WorkJournal(setup.backends.journal, setup.executionId, lease);
  if (resumed) await journal.open(snapshot.work_step, snapshot.journal_told ?? 0);
  else journal.begin(snapshot.work_step);
  const budget = budgetOf(setup, snapshot);
  const launches = new Launches(snapshot.pending_launches ?? []);
  if (resumed && held.stop.reason?.code !== 'cancelled') {
    await resumeLaunched(setup, budget, snapshot, launches);
    setup.background.add(cancelLeftBehind(setup, snapshot.work_step));
  }
  const run = new Run({ setup, held, journal, budget, launches }, snapshot);
  const last = await run.toEnd();
  if (TERMINAL_STATUSES.has(last.status)) await finish(setup, held, last);
  recorder.emit({
    type: 'execution_end',
    status: last.status,
    ...(last.output === undefined ? {} : { output: last.output }),
    ...(last.error === undefined ? {} : { error: { ...last.error } as unknown as JsonObject }),
  });
  return resultOf(last);
}

/** After the last commit: the result is published and everything the execution owns given back. Idempotent: a resume does it again. */
async function finish(
  setup: ExecutionSetup,
  { hooks, recorder }: Held,
  last: MachineSnapshot,
): Promise<void> {
  const { backends, executionId } = setup;
  crashPoint('execution.finished');
  await backends.results.write(resultUri(executionId), publishedResult(last));
  if (last.status === 'cancelled') await cancelChildren(setup);
  try {
    await hooks.onExecutionEnd(executionId, last.status);
  } catch (thrown) {
    const message = `not everything was given back: ${toError(thrown).message}; \`flatmachine gc --reap\` will do it`;
    recorder.emit({ type: 'log', level: 'warn', message });
  }
  crashPoint('execution.released');
}

/** Whether an execution that has ended has also published its result and given everything back. A process that died over that leaves its lease. */
export async function isFinished({ locking, results }: BackendSet, executionId: string): Promise<boolean> {
  return (await locking.holder(executionId)) === null && (await results.exists(resultUri(executionId)));
}

function publishedResult(last: MachineSnapshot): JsonValue {
  if (last.status === 'completed') return last.output ?? {};
  if (last.error !== undefined) return { _error: last.error.message, _error_type: last.error.error_type };
  return { _error: 'the execution was cancelled', _error_type: 'CancelledError' };
}

/** What an execution came to, from its newest record. */
export function resultOf(last: MachineSnapshot): ExecutionResult {
  return {
    execution_id: last.execution_id,
    status: last.status,
    output: last.status === 'completed' ? (last.output ?? {}) : null,
    error: last.status === 'failed' ? (last.error ?? null) : null,
    state: last.next_state ?? last.current_state,
    step: last.step,
    context: last.context,
  };
}

function fenced({ lease }: Held) {
  return lease === null ? {} : { fence: lease };
}
