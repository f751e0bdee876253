import { FlatMachineError } from '../../errors.ts';
import type { CompiledMachine } from '../../machine/interfaces.ts';
import { type LaunchIntent, type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { type Budget, budgetOf } from '../budget.ts';
import type { Launches } from '../launches.ts';
import type { ExecutionSetup } from '../setup.ts';
import { childSetup, runChild } from './child.ts';
import { isLaunched } from './ids.ts';
import { linkTo } from './link.ts';

/**
 * Runs a launched child in the background of this process. Resolves once its first record is stored: from then on it is an execution of its own, which a resume
 * of its parent, or of itself, takes up again.
 * @throws what keeps it from being started
 */
export async function launchChild(
  setup: ExecutionSetup,
  budget: Budget,
  parent: MachineSnapshot,
  launches: Launches,
  { execution_id: id, machine: name, input }: LaunchIntent,
): Promise<void> {
  const machine = setup.machine.machines.get(name);
  if (machine === undefined) {
    throw new FlatMachineError('not-found', `there is no machine "${name}" under \`machines\` any more`);
  }
  const child = launchedSetup(setup, budget, parent, id, machine);
  await new Promise<void>((resolve, reject) => {
    let stored = false;
    const onStored = () => {
      stored = true;
      // Its own record has the input.
      launches.add({ execution_id: id, machine: name, input: {}, launched: true });
      resolve();
    };
    const ended = runChild(child, input, { parentId: parent.execution_id, fresh: false, onStored }).then(
      ({ status }) => {
        if (TERMINAL_STATUSES.has(status)) launches.ended(id);
      },
      (error: unknown) => {
        if (stored) throw error;
        reject(error);
      },
    );
    setup.background.add(ended);
  });
}

/**
 * Takes up the launched children of an execution that had not ended when it was last committed. What keeps one of them from being run is not the execution's
 * own failure: it is told to who waits for the background.
 */
export async function resumeLaunched(
  setup: ExecutionSetup,
  budget: Budget,
  parent: MachineSnapshot,
  launches: Launches,
): Promise<void> {
  const { persistence } = setup.backends;
  const pending = new Map(parent.pending_launches?.map((intent) => [intent.execution_id, intent]));
  const ended = budget.bounded ? await launchedBefore(setup) : [];
  for (const id of new Set([...ended, ...pending.keys()])) {
    const last = await persistence.latest(id);
    // What it has used counts before anything else is begun.
    if (last !== null) enter(setup, budget, parent, last);
    const intent = pending.get(id);
    if (intent === undefined) continue;
    // It was deleted: what it did is not done again.
    if (last === null && intent.launched) launches.ended(id);
    else setup.background.add(launchChild(setup, budget, parent, launches, intent));
  }
}

async function launchedBefore({ backends, executionId: parent }: ExecutionSetup): Promise<string[]> {
  const children = await backends.persistence.executions({ parent, status: [...TERMINAL_STATUSES] });
  return children.map((child) => child.execution_id).filter(isLaunched);
}

function enter(setup: ExecutionSetup, budget: Budget, parent: MachineSnapshot, last: MachineSnapshot): void {
  const machine = [...setup.machine.machines.values()].find(({ name }) => name === last.machine_name);
  if (machine !== undefined) budgetOf(launchedSetup(setup, budget, parent, last.execution_id, machine), last);
}

function launchedSetup(
  setup: ExecutionSetup,
  budget: Budget,
  parent: MachineSnapshot,
  id: string,
  machine: CompiledMachine,
): ExecutionSetup {
  // Not what stops its parent: a cancellation finds it in the store, and what else stops a part of the tree is none of its business.
  const stops = { interrupt: setup.interruptAll, cancel: undefined };
  return childSetup(
    setup,
    { id, machine },
    linkTo(setup, parent, budget, false),
    stops,
    parent.options ?? {},
  );
}
