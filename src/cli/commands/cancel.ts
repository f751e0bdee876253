import { join } from 'node:path';
import type { BackendSet } from '../../backends/interfaces.ts';
import { toError } from '../../errors.ts';
import type { CancelResult } from '../../execution/cancel.ts';
import { cancelTree, type TreeCancelResult } from '../../execution/cancel-tree.ts';
import { latestOf } from '../../execution/engine.ts';
import { STATE_DIR } from '../../library/store-place.ts';
import { StoredMachines } from '../../library/stored-machines.ts';
import { systemClock } from '../../types.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr } from '../io.ts';
import { seconds } from '../options.ts';
import { printable } from '../render/text.ts';
import { withExecution } from '../store.ts';

interface CancelOptions {
  wait: number;
  backend?: string;
}

/** `cancel ID` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .option('--wait <seconds>', 'how long to wait for whoever runs it', seconds, 15)
    .option('--backend <url>', 'where the execution is kept');
  return cancel;
};

function cancel(id: string, options: CancelOptions): Promise<ExitCode> {
  return withExecution(id, options.backend, async (store) => {
    const machines = new StoredMachines(store);
    const tree = await cancelTree(store, id, systemClock, options.wait * 1000, (one) =>
      giveBack(store, machines, one),
    );
    stderr.write(`${report(id, tree.root, options.wait)}${below(tree)}\n`);
    for (const { executionId, error } of tree.failed) {
      stderr.write(`warning: ${executionId}: ${printable(error.message)}\n`);
    }
    const ended = tree.root.status === 'cancelled' && tree.running.length === 0;
    return ended ? EXIT.ok : EXIT.failed;
  });
}

function report(id: string, { status, by, holder }: CancelResult, wait: number): string {
  if (by === null) {
    const who = holder === null ? 'somebody' : holder.owner;
    return `error: ${id} was asked to end but is still being run by ${printable(who)} after ${wait} s\n  → It ends at its next chance. If that process hangs, end it and cancel again.`;
  }
  if (status === 'cancelled' && holder !== null)
    return `cancelled  ${id}; ${printable(holder.owner)} still gives back what it owned`;
  if (status === 'cancelled') return by === 'before' ? `${id} was cancelled already` : `cancelled  ${id}`;
  return `${id} was not cancelled: it has ${status}`;
}

function below({ root, below, running }: TreeCancelResult): string {
  const all = root.status === 'cancelled' && below > 0 ? ' and everything below it' : '';
  if (running.length === 0) return all;
  const named = running.slice(0, 5).join(', ');
  const more = running.length > 5 ? ', …' : '';
  return `\nerror: ${running.length} below it were asked to end but are still being run: ${named}${more}\n  → Cancel again once they have ended.`;
}

/**
 * Lets the machine's own hooks give back what the execution owned. Without its machine file, what it had of slots and
 * environments is released.
 */
async function giveBack(store: BackendSet, machines: StoredMachines, id: string): Promise<void> {
  try {
    await machines.resume(await latestOf(store, id));
  } catch (thrown) {
    stderr.write(`warning: the hooks of its machine were not told: ${printable(toError(thrown).message)}\n`);
    const { openRunner } = await import('../../runners/registry.ts');
    const { releaseExecution } = await import('../../rollout/release.ts');
    const stateDir = join(process.cwd(), STATE_DIR);
    await releaseExecution(store, (name) => openRunner(name, { stateDir }), id);
  }
}
