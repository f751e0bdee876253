import { Option } from 'commander';
import { builtinHooks } from '../../flatmachine.ts';
import { type Diagnostic, formatDiagnostic, lintMachine, loadMachineFile } from '../../machine/index.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findMachines } from '../find-machines.ts';
import { stderr, stdout, writeJson } from '../io.ts';
import { printable } from '../render/text.ts';

const FORMATS = ['pretty', 'simple', 'json'] as const;
type Format = (typeof FORMATS)[number];

/** `lint FILES…` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<files...>', 'machine files, or directories to look for them in')
    .addOption(new Option('--format <format>', 'how findings are printed').choices(FORMATS).default('pretty'))
    .addHelpText('after', '\nExit codes: 0 nothing or warnings · 1 errors · 2 nothing could be linted');
  return lint;
};

/** What one file came to. */
interface Linted {
  found: readonly Diagnostic[];
  source: string;
}

async function lint(paths: readonly string[], { format }: { format: Format }): Promise<ExitCode> {
  const files = findMachines(paths);
  const knownHooks = builtinHooks().known();
  const all: Diagnostic[] = [];
  for (const file of files) {
    const loaded = await loadMachineFile(file);
    const linted = { found: lintMachine(loaded, { knownHooks }), source: loaded.source };
    all.push(...linted.found);
    if (format !== 'json') stdout.write(written(linted, format));
  }
  if (format === 'json') writeJson(all);
  const errors = all.filter(({ severity }) => severity === 'error').length;
  stderr.write(`${summary(files.length, errors, all.length - errors)}\n`);
  return errors > 0 ? EXIT.failed : EXIT.ok;
}

function written({ found, source }: Linted, format: Format): string {
  const pretty = format === 'pretty';
  return found
    .map((diagnostic) => `${printable(formatDiagnostic(diagnostic, { pretty, source }))}\n`)
    .join(pretty ? '\n' : '');
}

function summary(files: number, errors: number, warnings: number): string {
  const counts = [count(files, 'file'), count(errors, 'error'), count(warnings, 'warning')];
  return counts.join(', ');
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
