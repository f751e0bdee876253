import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { FlatMachineError } from '../../errors.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout } from '../io.ts';
import { counted } from '../render/text.ts';
import { withExecution } from '../store.ts';

interface ExportOptions {
  backend?: string;
  out?: string;
}

/** `export ID` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<id>', 'the execution')
    .option('--backend <url>', 'where it is kept')
    .option('--out <file>', 'write here instead of stdout; the file must not exist')
    .addHelpText(
      'after',
      '\nWrites an execution with its children as JSON Lines, for `flatmachine import` into another store. It must not be running, nor hold a slot. It stays where it is: `flatmachine gc` or `cancel` it there, so that it does not go on twice.',
    );
  return exportTo;
};

function exportTo(id: string, { backend, out }: ExportOptions): Promise<ExitCode> {
  return withExecution(id, backend, async (store) => {
    const { exportExecution } = await import('../../backends/transfer/export.ts');
    let executions = 0;
    async function* lines(): AsyncGenerator<string> {
      for await (const record of exportExecution(store, id)) {
        if (record.kind === 'end') executions = record.executions;
        yield `${JSON.stringify(record)}\n`;
      }
    }
    if (out !== undefined) await writeNew(out, lines);
    else {
      for await (const line of lines()) {
        stdout.write(line);
        await stdout.flush();
      }
    }
    stderr.write(`${counted(executions, 'execution')} exported\n`);
    return EXIT.ok;
  });
}

/** Makes a file of what comes; one that could not be finished is removed. @throws FlatMachineError `already-exists` */
async function writeNew(path: string, lines: () => AsyncIterable<string>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    const exists = cause.code === 'EEXIST';
    throw exists
      ? new FlatMachineError('already-exists', `there is a file ${path} already`, { cause })
      : cause;
  });
  try {
    await pipeline(lines, file.createWriteStream());
  } catch (error) {
    await rm(path);
    throw error;
  }
}
