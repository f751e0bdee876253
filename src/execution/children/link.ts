import { FlatMachineError } from '../../errors.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { Budget } from '../budget.ts';
import type { ExecutionSetup, ParentLink } from '../setup.ts';

function maxDepthOf({ machine, parent }: ExecutionSetup): number {
  return Math.min(machine.settings.max_depth, parent?.maxDepth ?? Number.POSITIVE_INFINITY);
}

/** Refuses children that would nest too deeply, before anything of them begins. @throws FlatMachineError `max-depth` */
export function assertDepth(setup: ExecutionSetup, { depth = 0 }: MachineSnapshot): void {
  const most = maxDepthOf(setup);
  if (depth + 1 <= most) return;
  throw new FlatMachineError(
    'max-depth',
    `a child of this execution would be at depth ${depth + 1}, and ${most} is the most`,
  );
}

/** What the children of an execution have from it. */
export function linkTo(
  setup: ExecutionSetup,
  { depth = 0 }: MachineSnapshot,
  budget: Budget,
  counted: boolean,
): ParentLink {
  return { budget, counted, depth, maxDepth: maxDepthOf(setup) };
}
