import { FlatMachineError } from '../../errors.ts';
import type { CommandSetup } from '../commands.ts';
import { addViewOptions, conduct } from '../conduct.ts';
import type { ExitCode } from '../exit-codes.ts';
import { collect, positiveInteger, readAssignments } from '../options.ts';
import type { ViewChoice } from '../render/choose-view.ts';
import { withExecution } from '../store.ts';

interface ResumeCommandOptions extends ViewChoice {
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
    .option('--backend <url>', 'where the execution is kept');
  addViewOptions(command);
  return resume;
};

async function resume(id: string, options: ResumeCommandOptions): Promise<ExitCode> {
  const assignments = readAssignments(options.set);
  const { FlatMachine } = await import('../../flatmachine.ts');
  return conduct(options, ({ signal, onEvent }) =>
    withExecution(id, options.backend, async (backends, { machine_file: file }) => {
      if (file === undefined) {
        throw new FlatMachineError('usage', `execution "${id}" was not started from a file`, {
          remedy: 'Resume it from the program that started it, with FlatMachine.resume().',
        });
      }
      const machine = await FlatMachine.load(file, { backend: backends });
      const result = await machine.resume(id, {
        from: options.from,
        set: options.set.length > 0 ? assignments : undefined,
        allowDrift: options.allowDrift,
        maxSteps: options.maxSteps,
        signal,
        onEvent,
      });
      return { result, backendUrl: backends.url };
    }),
  );
}
