import { FlatMachineError } from '../../errors.ts';
import type { CommandSetup } from '../commands.ts';
import { addViewOptions, conduct } from '../conduct.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeJson } from '../io.ts';
import { positiveInteger, readInput } from '../options.ts';
import type { ViewChoice } from '../render/choose-view.ts';

interface RunCommandOptions extends ViewChoice {
  input?: string;
  id?: string;
  parentId?: string;
  runner?: string;
  backend?: string;
  maxSteps?: number;
  dryRun?: boolean;
}

/** `run FILE` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<file>', 'the machine')
    .option('--input <json>', 'the input, a map: JSON itself, @FILE, or - for stdin')
    .option('--id <id>', 'the id of the execution (default: made from the name of the machine)')
    .option('--runner <name>', 'where commands run, for machines with rollout hooks; see doctor')
    .option(
      '--backend <url>',
      'where executions are kept: memory, local:DIR, sqlite:PATH, redis://…, postgres://… (default: what the machine says)',
    )
    .option('--max-steps <n>', 'stop, resumable, after so many steps', positiveInteger);
  addViewOptions(command)
    .option('--dry-run', 'check everything and print the plan; run and store nothing')
    .option('--parent-id <id>', 'the execution that started this one');
  return run;
};

async function run(file: string, options: RunCommandOptions): Promise<ExitCode> {
  const input = await readInput(options.input);
  await assertRunner(options.runner);
  if (options.dryRun === true) {
    const { planOf } = await import('../plan.ts');
    writeJson(await planOf(file, input, options));
    return EXIT.ok;
  }
  return conduct(options, async ({ signal, onEvent, onWarning, conclude, settle }) => {
    const { FlatMachine } = await import('../../flatmachine.ts');
    const machine = await FlatMachine.load(file, { backend: options.backend, backendOptions: { onWarning } });
    try {
      const result = await machine.execute(input, {
        id: options.id,
        parentId: options.parentId,
        runner: options.runner,
        maxSteps: options.maxSteps,
        signal,
        onEvent,
      });
      await conclude(result, machine.backends);
      await settle(machine.settled());
    } finally {
      await machine.close();
    }
  });
}

/** A mistyped runner is told before anything is started or stored. @throws FlatMachineError `unknown-runner` */
async function assertRunner(name: string | undefined): Promise<void> {
  if (name === undefined || name === 'auto') return;
  const { RUNNER_NAMES } = await import('../../runners/registry.ts');
  if (RUNNER_NAMES.includes(name)) return;
  throw new FlatMachineError('unknown-runner', `there is no runner "${name}"`, {
    remedy: `Use one of: auto, ${RUNNER_NAMES.join(', ')}; \`flatmachine doctor\` says which work here.`,
  });
}
