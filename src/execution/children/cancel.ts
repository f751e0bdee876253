import { isFlatMachineError } from '../../errors.ts';
import type { CompiledMachine } from '../../machine/interfaces.ts';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { resumeExecution } from '../engine.ts';
import type { ExecutionSetup } from '../setup.ts';
import { childSetup } from './child.ts';

/**
 * Ends the children of an execution, and theirs: those that somebody runs are asked to end, the others end here.
 * @param only these alone, by id
 */
export async function cancelChildren(setup: ExecutionSetup, only?: ReadonlySet<string>): Promise<void> {
  const { persistence } = setup.backends;
  for (const { execution_id: id, status } of await persistence.executions({ parent: setup.executionId })) {
    if (TERMINAL_STATUSES.has(status) || (only !== undefined && !only.has(id))) continue;
    await persistence.requestCancel(id);
    const last = await persistence.latest(id);
    const machine = last === null ? null : machineOf(setup.machine, last);
    if (last === null || machine === null) continue;
    const stops = { interrupt: undefined, cancel: AbortSignal.abort() };
    try {
      const child = childSetup(setup, { id, machine }, null, stops, last.options ?? {});
      await resumeExecution(child, { retry: false, allowDrift: true });
    } catch (error) {
      if (!isFlatMachineError(error, 'locked')) throw error;
    }
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
