import { Command, CommanderError } from 'commander';
import { BACKEND_VARIABLE } from '../backend-variable.ts';
import { packageVersion } from '../package-root.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { EXIT, type ExitCode, exitCodeOfError } from './exit-codes.ts';
import { stderr, stdout } from './io.ts';
import { referenceForm } from './reference-form.ts';
import { printable } from './render/text.ts';
import { reportError } from './report-error.ts';

/** Runs the command line to its end and ends the process with the right code, once everything is written. */
export async function main(argv: readonly string[]): Promise<never> {
  const json = argv.includes('--json');
  const verbose = argv.includes('--verbose') || Boolean(process.env.FLATMACHINE_DEBUG);
  const crash = (thrown: unknown) => {
    reportError(thrown, { json, verbose });
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', crash);
  tellWarnings(verbose);
  let code: ExitCode;
  try {
    code = await dispatch(argv);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      code = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else {
      reportError(thrown, { json, verbose });
      code = exitCodeOfError(thrown);
    }
  }
  await Promise.all([stdout.flush(), stderr.flush()]);
  process.exit(code === EXIT.ok ? (process.exitCode ?? code) : code);
}

/** Warnings of Node and of packages are for whoever develops, and Node prints them as several lines in the middle of ours. */
function tellWarnings(verbose: boolean): void {
  process.removeAllListeners('warning');
  if (verbose) process.on('warning', ({ name, message }) => stderr.write(`${name}: ${printable(message)}\n`));
}

async function dispatch(argv: readonly string[]): Promise<ExitCode> {
  const args = referenceForm(argv);
  let code: ExitCode = EXIT.ok;
  const program = newProgram();
  for (const entry of COMMANDS) {
    await register(program, entry, args, (result) => {
      code = result;
    });
  }
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  await program.parseAsync(args, { from: 'user' });
  return code;
}

function newProgram(): Command {
  return new Command('flatmachine')
    .description('Declarative state machines that run agent rollouts in real sandboxes, and never lose one.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText(
      'after',
      '\nExit codes: 0 completed · 1 failed · 2 usage · 3 limit · 4 waiting · 130 interrupted',
    )
    .showHelpAfterError('Run `flatmachine --help` for the commands there are.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
}

async function register(
  program: Command,
  entry: CommandEntry,
  args: readonly string[],
  done: (code: ExitCode) => void,
): Promise<void> {
  const command = program.command(entry.name).description(entry.summary);
  if (!args.includes(entry.name)) return;
  const { setup } = await entry.load();
  const action = setup(command) as (...given: unknown[]) => Promise<ExitCode>;
  const backend = process.env[BACKEND_VARIABLE];
  if (backend && command.options.some(({ long }) => long === '--backend')) {
    command.setOptionValueWithSource('backend', backend, 'env');
  }
  command.option('--verbose', 'print causes and stacks of errors');
  command.showHelpAfterError(`Run \`flatmachine help ${entry.name}\` for its options.`);
  command.action(async (...given: unknown[]) => done(await action(...given)));
}
