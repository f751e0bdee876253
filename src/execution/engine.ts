import type { BackendSet, Lease } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, toError } from '../errors.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import { type MachineSnapshot, stepKey, TERMINAL_STATUSES } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { firstSnapshot } from './first-snapshot.ts';
import { type Held, holding } from './hold.ts';
import { prepareResume, type ResumeChange } from './resume.ts';
import { Run } from './run.ts';
import type { ExecutionResult, ExecutionSetup, ExecutionStart } from './setup.ts';

/**
 * Starts an execution and runs it to its end, its limit or its interruption.
 * @throws FlatMachineError `locked`, `execution-exists`, `not-built`; `lease-lost`, `step-conflict` and `backend` when nothing more may or can be written
 */
export async function startExecution(setup: ExecutionSetup, start: ExecutionStart): Promise<ExecutionResult> {
  assertBuilt(setup.machine);
  return holding(setup, async (held) => {
    const { executionId, backends } = setup;
    if ((await backends.persistence.latest(executionId)) !== null) {
      throw new FlatMachineError('execution-exists', `there is an execution "${executionId}" already`, {
        remedy: `Run \`flatmachine resume ${executionId}\`, or choose another id.`,
      });
    }
    const first = await firstSnapshot(setup, held, start);
    await backends.persistence.save(stepKey(executionId, 0), first, fenced(held.lease));
    crashPoint('execution.started');
    held.recorder.emit({
      type: 'execution_start',
      machine: setup.machine.name,
      resumed: false,
      from_step: 0,
    });
    return runToEnd(setup, held, first);
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
  assertBuilt(setup.machine);
  return holding(setup, async (held) => {
    const { lease, recorder } = held;
    const last = await latestOf(setup.backends, setup.executionId);
    recorder.enter(last.step, last.next_state);
    if (last.status === 'completed' || last.status === 'cancelled') {
      await finish(setup, held, last);
      return resultOf(last);
    }
    if (last.status === 'failed') await setup.backends.persistence.withdrawCancel(setup.executionId);
    const snapshot = prepareResume(setup.machine, last, change, setup.clock.now(), lease?.token ?? 0);
    if (snapshot.step > last.step) {
      await setup.backends.persistence.save(
        stepKey(snapshot.execution_id, snapshot.step),
        snapshot,
        fenced(lease),
      );
    }
    recorder.emit({
      type: 'execution_start',
      machine: setup.machine.name,
      resumed: true,
      from_step: snapshot.step,
    });
    return runToEnd(setup, held, snapshot);
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
): Promise<ExecutionResult> {
  const { machine, backends, clock } = setup;
  const { hooks, recorder, stop, lease } = held;
  const maxSteps = setup.maxSteps ?? machine.settings.max_steps;
  const keep = machine.persistence.keep;
  const run = new Run(
    {
      machine,
      hooks,
      backends,
      clock,
      recorder,
      stop,
      fence: lease,
      maxSteps,
      keep: keep === 'all' ? Number.POSITIVE_INFINITY : keep,
    },
    snapshot,
  );
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
  { backends, executionId }: ExecutionSetup,
  { hooks, recorder }: Held,
  last: MachineSnapshot,
): Promise<void> {
  crashPoint('execution.finished');
  const uri = `flatagents://${executionId}/result`;
  await backends.results.write(uri, publishedResult(last));
  try {
    await hooks.onExecutionEnd?.(executionId, last.status);
  } catch (thrown) {
    const message = `not everything was given back: ${toError(thrown).message}; \`flatmachine gc --reap\` will do it`;
    recorder.emit({ type: 'log', level: 'warn', message });
  }
  crashPoint('execution.released');
}

function publishedResult(last: MachineSnapshot): JsonValue {
  if (last.status === 'completed') return last.output ?? {};
  if (last.error !== undefined) return { _error: last.error.message, _error_type: last.error.error_type };
  return { _error: 'the execution was cancelled', _error_type: 'CancelledError' };
}

function resultOf(last: MachineSnapshot): ExecutionResult {
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

function fenced(lease: Lease | null) {
  return lease === null ? {} : { fence: { key: lease.key, token: lease.token } };
}

function assertBuilt(machine: CompiledMachine): void {
  if (machine.lifecycleHooks.length > 0) {
    throw new FlatMachineError(
      'not-built',
      'the machine uses `lifecycle_hooks`, which this version cannot run yet',
    );
  }
  const found = [...machine.states.values()].find(
    (state) => state.unbuilt.length > 0 || state.hooks.length > 0,
  );
  if (found === undefined) return;
  const field = found.unbuilt[0] ?? 'hooks';
  throw new FlatMachineError(
    'not-built',
    `state "${found.name}" uses \`${field}\`, which this version cannot run yet`,
    {
      location: found.location,
    },
  );
}
