import { FlatMachineError } from '../../errors.ts';
import { type LaunchIntent, type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { Budget } from '../budget.ts';
import type { Launches } from '../launches.ts';
import type { ExecutionSetup } from '../setup.ts';
import { childSetup, runChild } from './child.ts';
import { linkTo } from './link.ts';

/**
 * Runs a launched child in the background of this process. Resolves once its first record is stored: from then on it is an execution of its own, which a resume
 * of its parent, or of itself, takes up again.
 */
export async function launchChild(
  setup: ExecutionSetup,
  budget: Budget,
  parent: MachineSnapshot,
  launches: Launches,
  intent: LaunchIntent,
): Promise<void> {
  const machine = setup.machine.machines.get(intent.machine);
  if (machine === undefined) {
    throw new FlatMachineError(
      'not-found',
      `there is no machine "${intent.machine}" under \`machines\` any more`,
    );
  }
  const id = intent.execution_id;
  const link = linkTo(setup, parent, budget, false);
  // Not the parent's own cancellation: it finds its children in the store.
  const stops = { interrupt: setup.interrupt, cancel: undefined };
  const child = childSetup(setup, { id, machine }, link, stops, parent.options ?? {});
  await new Promise<void>((resolve, reject) => {
    const run = runChild(child, intent.input, {
      parentId: parent.execution_id,
      fresh: false,
      onStored: resolve,
    }).then((result) => {
      if (TERMINAL_STATUSES.has(result.status)) launches.ended(id);
    });
    setup.background.add(run);
    run.catch(reject);
  });
}

/** Takes up the launched children of an execution that had not ended when it was last committed. */
export async function resumeLaunched(
  setup: ExecutionSetup,
  budget: Budget,
  parent: MachineSnapshot,
  launches: Launches,
): Promise<void> {
  for (const intent of parent.pending_launches ?? [])
    await launchChild(setup, budget, parent, launches, intent);
}
