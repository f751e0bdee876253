import { resolve } from 'node:path';
import { Option } from 'commander';
import {
  type Diagnostic,
  formatDiagnostic,
  type LintedTree,
  lintTree,
  loadMachineFile,
} from '../../machine/index.ts';
import { builtinNames } from '../builtin-names.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findMachines } from '../find-machines.ts';
import { stderr, stdout, writeJson } from '../io.ts';
import { counted, printable } from '../render/text.ts';

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

async function lint(paths: readonly string[], { format }: { format: Format }): Promise<ExitCode> {
  const files = findMachines(paths);
  const all: Diagnostic[] = [];
  const told = new Set<string>();
  for (const file of files) {
    const tree = await lintTree(await loadMachineFile(file), builtinNames());
    const fresh = tree.found.filter((found) => isFresh(found, told));
    all.push(...fresh);
    if (format !== 'json') stdout.write(written(fresh, tree, format));
  }
  if (format === 'json') writeJson(all);
  const errors = all.filter(({ severity }) => severity === 'error').length;
  stderr.write(`${summary(files.length, errors, all.length - errors)}\n`);
  return errors > 0 ? EXIT.failed : EXIT.ok;
}

/** Whether a finding has not been told yet: a file may be named, and be the child of several others. */
function isFresh({ code, message, location }: Diagnostic, told: Set<string>): boolean {
  const key = JSON.stringify([resolve(location.file), location.line, location.column, code, message]);
  if (told.has(key)) return false;
  told.add(key);
  return true;
}

function written(found: readonly Diagnostic[], tree: LintedTree, format: Format): string {
  const pretty = format === 'pretty';
  return found
    .map((diagnostic) => {
      const source = tree.sourceOf(diagnostic.location.file);
      return `${printable(formatDiagnostic(diagnostic, { pretty, source }))}\n`;
    })
    .join(pretty ? '\n' : '');
}

function summary(files: number, errors: number, warnings: number): string {
  const counts = [counted(files, 'file'), counted(errors, 'error'), counted(warnings, 'warning')];
  return counts.join(', ');
}
