import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { openBackends } from '../../backends/open.ts';
import { FlatMachineError } from '../../errors.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout } from '../io.ts';
import { counted, oneLine } from '../render/text.ts';
import { storeUrl } from '../store.ts';

interface ImportOptions {
  backend?: string;
}

/** `import FILE` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<file>', 'what `flatmachine export` has written; - for stdin')
    .option('--backend <url>', 'where it is to be kept')
    .addHelpText('after', '\nThe same again completes an import that was cut off.');
  return importFrom;
};

async function importFrom(file: string, { backend }: ImportOptions): Promise<ExitCode> {
  const { importExecution } = await import('../../backends/transfer/import.ts');
  const store = await openBackends(storeUrl(backend), {
    onWarning: (message) => stderr.write(`warning: ${oneLine(message)}\n`),
  });
  try {
    const ids = await importExecution(store, linesOf(file));
    for (const id of ids) stdout.write(`${oneLine(id)}\n`);
    stderr.write(`${counted(ids.length, 'execution')} imported\n`);
    return EXIT.ok;
  } finally {
    await store.close();
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  if (file === '-') {
    yield* createInterface({ input: process.stdin });
    return;
  }
  const handle = await open(file).catch((cause: Error) => {
    throw new FlatMachineError('file-not-found', `cannot read ${file}: ${cause.message}`, { cause });
  });
  try {
    yield* handle.readLines();
  } finally {
    await handle.close();
  }
}
