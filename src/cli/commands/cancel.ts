import { join } from 'node:path';
import type { BackendSet } from '../../backends/interfaces.ts';
import { toError } from '../../errors.ts';
import { type CancelResult, cancelExecution } from '../../execution/cancel.ts';
import { FlatMachine, STATE_DIR } from '../../flatmachine.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
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
  return withExecution(id, options.backend, async (store, last) => {
    const done = await cancelExecution(store, id, systemClock, options.wait * 1000);
    if (done.by === 'here') await giveBack(store, last);
    stderr.write(`${report(id, done, options.wait)}\n`);
    return done.status === 'cancelled' ? EXIT.ok : EXIT.failed;
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

/**
 * Lets the machine's own hooks give back what the execution owned. Without its machine file, what it had of slots and
 * environments is released.
 */
async function giveBack(
  store: BackendSet,
  { execution_id: id, machine_file: file }: MachineSnapshot,
): Promise<void> {
  try {
    if (file === undefined) throw new Error('it was not started from a file');
    const machine = await FlatMachine.load(file, { backend: store });
    await machine.resume(id);
  } catch (thrown) {
    stderr.write(`warning: the hooks of its machine were not told: ${printable(toError(thrown).message)}\n`);
    const { openRunner } = await import('../../runners/registry.ts');
    const { releaseExecution } = await import('../../rollout/release.ts');
    const stateDir = join(process.cwd(), STATE_DIR);
    await releaseExecution(store, (name) => openRunner(name, { stateDir }), id);
  }
}
