import { FlatMachineError } from '../../errors.ts';
import type { ResumeChange } from '../../execution/resume.ts';
import { systemClock } from '../../types.ts';
import type { CommandSetup } from '../commands.ts';
import { addViewOptions, conduct } from '../conduct.ts';
import type { ExitCode } from '../exit-codes.ts';
import { collect, positiveInteger, readAssignments } from '../options.ts';
import type { ViewChoice } from '../render/choose-view.ts';
import { storeUrl, withExecution } from '../store.ts';

interface ResumeCommandOptions extends ViewChoice {
  machine?: string;
  snapshots?: string;
  from?: string;
  set: string[];
  allowDrift?: boolean;
  maxSteps?: number;
  backend?: string;
}

/** `resume ID` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .option('--from <state>', 'go on with this state instead')
    .option('--set <context.key=json>', 'set a key of the context first; may be repeated', collect, [])
    .option('--allow-drift', 'go on although the machine file has changed')
    .option('--max-steps <n>', 'stop, resumable, once the execution has so many steps', positiveInteger)
    .option('--backend <url>', 'where the execution is kept')
    .option(
      '--snapshots <path>',
      'take the execution over from the snapshots of the reference implementation',
    )
    .option('--machine <file>', 'the machine, with --snapshots');
  addViewOptions(command);
  return resume;
};

async function resume(id: string, options: ResumeCommandOptions): Promise<ExitCode> {
  const change: ResumeChange = {
    from: options.from,
    set: options.set.length > 0 ? readAssignments(options.set) : undefined,
    allowDrift: options.allowDrift,
  };
  if (options.snapshots !== undefined || options.machine !== undefined) return takeOver(id, options, change);
  const { StoredMachines } = await import('../../library/stored-machines.ts');
  return conduct(options, ({ signal, onEvent, conclude, settle }) =>
    withExecution(id, options.backend, async (backends, last) => {
      const machine = await new StoredMachines(backends).of(last);
      const result = await machine.resume(id, { ...change, maxSteps: options.maxSteps, signal, onEvent });
      await conclude(result, backends);
      await settle(machine.settled());
    }),
  );
}

/** Copies where an execution of the reference implementation stands into our store, and goes on from there. */
async function takeOver(id: string, options: ResumeCommandOptions, change: ResumeChange): Promise<ExitCode> {
  const { machine: file, snapshots } = options;
  if (file === undefined || snapshots === undefined) {
    throw new FlatMachineError('usage', '--machine and --snapshots go together', {
      remedy: 'Say flatmachine resume ID --machine FILE --snapshots DIRECTORY.',
    });
  }
  const { FlatMachine } = await import('../../flatmachine.ts');
  const { readReferenceSnapshot } = await import('../../compat/read-snapshot.ts');
  const { importSnapshot } = await import('../../compat/import-snapshot.ts');
  const { storeImported } = await import('../../compat/store-imported.ts');
  return conduct(options, async ({ signal, onEvent, onWarning, conclude, settle }) => {
    // Where `resume ID` looks next time; the machine itself may name the reference's own store.
    const backend = storeUrl(options.backend);
    const machine = await FlatMachine.load(file, { backend, backendOptions: { onWarning } });
    try {
      const reference = await readReferenceSnapshot(snapshots, id, onWarning);
      const record = importSnapshot(reference, machine.machine, {
        now: systemClock.now(),
        from: change.from,
      });
      await storeImported(machine.backends, record);
      const result = await machine.resume(id, { ...change, maxSteps: options.maxSteps, signal, onEvent });
      await conclude(result, machine.backends);
      await settle(machine.settled());
    } finally {
      await machine.close();
    }
  });
}
