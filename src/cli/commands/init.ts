import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { FlatMachineError, toError } from '../../errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout } from '../io.ts';

const SCHEMA = join('schemas', 'flatmachine.schema.json');

/** `init [DIR]` */
export const setup: CommandSetup = (command) => {
  command.argument('[dir]', 'where machine.yml goes; made if need be', '.');
  return init;
};

async function init(dir: string): Promise<ExitCode> {
  const file = join(dir, 'machine.yml');
  await mkdir(dir, { recursive: true });
  try {
    await writeFile(file, starter(schemaFor(resolve(dir))), { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new FlatMachineError('already-exists', `${file} is there already and was left as it is`, {
        cause,
      });
    }
    throw new FlatMachineError('usage', `cannot write ${file}: ${toError(cause).message}`, { cause });
  }
  stdout.write(`${file}\n`);
  stderr.write(`  → flatmachine lint ${file}\n  → flatmachine run ${file} --input '{"name": "Ada"}'\n`);
  return EXIT.ok;
}

/** The schema as the editor finds it: the installed one where this package is installed above `dir`, else the published one. */
function schemaFor(dir: string): string {
  const ours = join(packageRoot(), SCHEMA);
  if (dir.startsWith(packageRoot() + sep)) return relativeUrl(dir, ours);
  for (let above = dir; ; above = dirname(above)) {
    const installed = join(above, 'node_modules', 'flatmachine', SCHEMA);
    if (existsSync(installed)) return relativeUrl(dir, installed);
    if (dirname(above) === above) return JSON.parse(readFileSync(ours, 'utf8')).$id;
  }
}

function relativeUrl(dir: string, file: string): string {
  const path = relative(dir, file).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function starter(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
#
# A machine is a set of states. Each state may do something, and then the first
# transition whose condition holds is taken. Every step is stored before the
# next one begins: kill this at any moment and \`flatmachine resume ID\` goes on.
spec: flatmachine
spec_version: "1.0.0"

data:
  name: counter

  # What the machine remembers. A bare path such as input.name is that value
  # itself; text with {{ }} is a template.
  context:
    name: "{{ input.name or 'world' }}"
    count: 0

  states:
    count:
      type: initial
      # What this state changes in the context, in this order.
      output_to_context:
        count: "{{ context.count + 1 }}"
      transitions:
        - condition: context.count >= 3
          to: done
        # A transition without a condition is always taken: put it last.
        - to: count

    done:
      type: final
      # The result of the run, printed on stdout as JSON.
      output:
        greeting: "Hello {{ context.name }}, counted to {{ context.count }}"
        count: context.count

# To run code of your own, add a class with an onAction method and name it here:
#
#   hooks:
#     file: ./hooks.mjs
#     class: MyHooks
#
# and give a state \`action: my_action\`. Shell commands in a sandbox: \`hooks: rollout\`.
`;
}
