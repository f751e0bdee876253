import type { BackendSet, Lease } from '../backends/interfaces.ts';
import { FlatMachineError, toError } from '../errors.ts';
import type { RunHooks } from './interfaces.ts';
import { EventRecorder } from './recorder.ts';
import type { ExecutionResult, ExecutionSetup } from './setup.ts';
import { StopSource } from './stop.ts';

/** What a run has while it holds its lease. */
export interface Held {
  lease: Lease | null;
  stop: StopSource;
  recorder: EventRecorder;
  hooks: RunHooks;
}

/**
 * Runs `body` under the execution's lease; state is read only inside.
 * @throws FlatMachineError `locked`, naming the holder
 */
export async function holding(
  setup: ExecutionSetup,
  body: (held: Held) => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  const { executionId, backends, clock } = setup;
  const { locking, persistence } = backends;
  if (!(await locking.acquire(executionId))) throw await lockedError(backends, executionId);
  const lease = locking.lease(executionId);
  const stop = new StopSource({
    executionId,
    lease,
    persistence,
    interrupt: setup.interrupt,
    cancel: setup.cancel,
  });
  const recorder = new EventRecorder(executionId, clock, setup.observe);
  let hooks: RunHooks | null = null;
  let result: ExecutionResult;
  try {
    hooks = await setup.hooks(setup.machine, executionId, setup.options, (event) => recorder.emit(event));
    if (hooks.onEvent !== undefined) recorder.listen(hooks.onEvent);
    result = await body({ lease, stop, recorder, hooks });
  } catch (error) {
    // What went wrong first is what the caller must hear of, whatever goes wrong after it: a full disk keeps the lease from being given back too.
    await Promise.allSettled([leave()]);
    throw error;
  }
  await leave();
  return result;

  async function leave(): Promise<void> {
    stop.close();
    try {
      await hooks?.close();
    } catch (thrown) {
      recorder.emit({ type: 'log', level: 'warn', message: `closing the hooks: ${toError(thrown).message}` });
    }
    await locking.release(executionId);
  }
}

async function lockedError(backends: BackendSet, executionId: string): Promise<FlatMachineError> {
  const holder = await backends.locking.holder(executionId);
  const who = holder === null ? 'another process' : `${holder.owner} since ${holder.acquired_at}`;
  return new FlatMachineError('locked', `execution "${executionId}" is being run by ${who}`, {
    details: holder === null ? null : { ...holder },
  });
}
