import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlatMachineError } from '../../errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout } from '../io.ts';

const SUFFIX = '.schema.json';

/** `schema NAME` */
export const setup: CommandSetup = (command) => {
  command.argument('<name>', 'flatmachine, snapshot, …; an unknown one lists them all');
  return schema;
};

async function schema(name: string): Promise<ExitCode> {
  const schemas = join(packageRoot(), 'schemas');
  const names = (await readdir(schemas))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  if (!names.includes(name)) {
    throw new FlatMachineError('not-found', `there is no schema "${name}"`, {
      remedy: `There are: ${names.join(', ')}.`,
    });
  }
  stdout.write(await readFile(join(schemas, `${name}${SUFFIX}`), 'utf8'));
  return EXIT.ok;
}
