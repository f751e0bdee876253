import { isFlatMachineError } from '../../errors.ts';
import type { ExecutionStatus } from '../../events.ts';
import type { CompiledMachine } from '../../machine/interfaces.ts';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { cancelTree } from '../cancel-tree.ts';
import { eachOf } from '../each-of.ts';
import { isFinished, resumeExecution } from '../engine.ts';
import type { ExecutionSetup } from '../setup.ts';
import { childSetup } from './child.ts';
import { workOf } from './ids.ts';

/** How many children are ended at the same time: their commits share the disk's work. */
const CONCURRENCY = 16;

/** What has not ended. */
const OPEN: readonly ExecutionStatus[] = ['running', 'waiting', 'limit', 'interrupted'];

/**
 * Ends the children of an execution, and everything below them: what somebody runs is asked to end, the rest ends here.
 * @param only these alone, by id
 */
export async function cancelChildren(setup: ExecutionSetup, only?: ReadonlySet<string>): Promise<void> {
  const { executionId: parent, backends } = setup;
  const children = await backends.persistence.executions({ parent });
  const ids = children.map((child) => child.execution_id).filter((id) => only === undefined || only.has(id));
  await eachOf(ids, CONCURRENCY, (id) => cancelChild(setup, id));
}

/**
 * Ends the children of work that is over and that its parent does not wait for any more: whoever gave them up may have died over that. Launched ones go on.
 * @param before the `work_step` in hand, whose children stay
 */
export async function cancelLeftBehind(setup: ExecutionSetup, before: number): Promise<void> {
  const { executionId: parent, backends } = setup;
  const open = await backends.persistence.executions({ parent, status: OPEN });
  const ids = open.map((child) => child.execution_id).filter((id) => (workOf(parent, id) ?? before) < before);
  await eachOf(ids, CONCURRENCY, (id) => cancelChild(setup, id));
}

async function cancelChild(setup: ExecutionSetup, id: string): Promise<void> {
  const { backends, clock } = setup;
  const last = await backends.persistence.latest(id);
  if (last === null) return;
  const machine = machineOf(setup.machine, last);
  if (machine === null) {
    // The file has changed: there are no hooks to tell. What it owned is left to `gc --reap`.
    await cancelTree(backends, id, clock, 0, async () => {});
    return;
  }
  const stops = { interrupt: undefined, cancel: AbortSignal.abort() };
  const child = childSetup(setup, { id, machine }, null, stops, last.options ?? {});
  if (TERMINAL_STATUSES.has(last.status)) {
    // Only what it launched can still be at work; or, when it was cancelled by a process that died over that, all that is below it.
    if (last.status !== 'cancelled') {
      if (last.pending_launches !== undefined) await cancelChildren(child);
      return;
    }
    if (await isFinished(backends, id)) return;
  }
  await backends.persistence.requestCancel(id);
  try {
    await resumeExecution(child, { retry: false, allowDrift: true });
  } catch (error) {
    if (!isFlatMachineError(error, 'locked')) throw error;
  }
}

/** Which of a machine's children an execution is of; null = none of them any more. */
function machineOf({ machines }: CompiledMachine, last: MachineSnapshot): CompiledMachine | null {
  const path = (last.machine_path ?? []).join('/');
  const found = [...machines.values()].find(
    ({ name, file, path: own }) =>
      name === last.machine_name && file === (last.machine_file ?? null) && own.join('/') === path,
  );
  return found ?? null;
}
