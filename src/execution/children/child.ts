import { isFlatMachineError } from '../../errors.ts';
import type { CompiledMachine } from '../../machine/interfaces.ts';
import type { RunOptions } from '../../machine/snapshot.ts';
import { sleep } from '../../timers.ts';
import type { JsonObject } from '../../types.ts';
import { resumeExecution, startExecution } from '../engine.ts';
import type { ExecutionResult, ExecutionSetup, ParentLink } from '../setup.ts';

/** How often a parent looks whether a child that another process runs has ended, milliseconds. */
const LOCKED_RETRY_MS = 100;

/** What ends a child from outside. */
export interface ChildStops {
  interrupt: AbortSignal | undefined;
  cancel: AbortSignal | undefined;
}

/** The setup of a child, from that of the execution that starts it. */
export function childSetup(
  setup: ExecutionSetup,
  { id, machine }: { id: string; machine: CompiledMachine },
  parent: ParentLink | null,
  stops: ChildStops,
  options: RunOptions,
): ExecutionSetup {
  return { ...setup, machine, executionId: id, options, parent, ...stops };
}

/** What a parent wants to hear of a child while it runs. */
export interface ChildOptions {
  parentId: string;
  /** The child cannot exist yet: its intent was recorded just now. */
  fresh: boolean;
  /** Told once the child's first record is stored. */
  onStored?: (() => void) | undefined;
}

/**
 * Runs a child: the one that is stored is taken up, else it is started. One that has ended runs nothing. One that another process runs is waited for.
 * @throws what keeps the child from being run at all; its own failure is in the result
 */
export async function runChild(
  setup: ExecutionSetup,
  input: JsonObject,
  { parentId, fresh, onStored }: ChildOptions,
): Promise<ExecutionResult> {
  const { persistence } = setup.backends;
  const stops = [setup.interrupt, setup.cancel].filter((signal) => signal !== undefined);
  let stop: AbortSignal | null = null;
  for (let first = true; ; first = false) {
    setup.cancel?.throwIfAborted();
    try {
      const last = fresh && first ? null : await persistence.latest(setup.executionId);
      if (last === null) return await startExecution(setup, { input, parentId, onStored });
      onStored?.();
      return await resumeExecution(setup, { retry: false, allowDrift: setup.allowDrift });
    } catch (error) {
      // Somebody else runs it, or has taken it over: what it comes to is read once they are done.
      if (!isFlatMachineError(error, 'locked', 'execution-exists', 'lease-lost', 'step-conflict'))
        throw error;
    }
    stop ??= AbortSignal.any(stops);
    await sleep(LOCKED_RETRY_MS, stop);
  }
}
