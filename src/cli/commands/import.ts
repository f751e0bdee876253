import { createReadStream } from 'node:fs';
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

/** Not by `readline`, which ends a line at U+2028 and U+2029 too: JSON has them as they are. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let begun: string[] = [];
  for await (const text of textOf(file)) {
    const [first = '', ...others] = text.split('\n');
    begun.push(first);
    for (const next of others) {
      yield begun.join('');
      begun = [next];
    }
  }
  yield begun.join('');
}

/** Pieces of the text of a file or, with `-`, of stdin. @throws FlatMachineError `file-not-found` */
async function* textOf(file: string): AsyncGenerator<string> {
  try {
    yield* file === '-' ? process.stdin.setEncoding('utf8') : createReadStream(file, 'utf8');
  } catch (cause) {
    throw new FlatMachineError('file-not-found', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
