import { join, relative } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { packageRoot } from '../../src/package-root.ts';
import { codeLines, PAGES } from '../helpers/pages.ts';

const root = packageRoot();

/** Those that are there without a command, and those of the reference's form. */
const GENERAL = ['--help', '--version', '--verbose', '--config', '--execution-id'];

/** Command → its options. */
const options = new Map<string, Set<string>>();
beforeAll(async () => {
  for (const { name, load } of COMMANDS) {
    const command = new Command(name);
    (await load()).setup(command);
    options.set(name, new Set([...GENERAL, ...command.options.map(({ long }) => long ?? '')]));
  }
});

/** What is wrong with the commands and options that a line of code names. */
function wrong(line: string): string[] {
  const used = (text: string) => text.replace(/\s#.*/, '').match(/(?<=^|\s)--[a-z][a-z-]*/g) ?? [];
  const commands = [...line.matchAll(/(?<![\w/.@'"-])flatmachine ([a-z]+)\b([^|;&]*)/g)];
  if (commands.length === 0) {
    if (!line.startsWith('--')) return [];
    return used(line).filter((option) => ![...options.values()].some((known) => known.has(option)));
  }
  return commands.flatMap(([, name, rest]) => {
    if (name === 'help') return [];
    const known = options.get(name!);
    if (known === undefined) return [`flatmachine ${name}`];
    return used(rest!)
      .filter((option) => !known.has(option))
      .map((option) => `${name} ${option}`);
  });
}

describe('the commands and options that the documentation names are there', () => {
  it.each(PAGES.map((page) => relative(root, page)))('%s', (page) => {
    expect(codeLines(join(root, page)).flatMap(wrong)).toEqual([]);
  });

  it('and what is not there is found', () => {
    expect(wrong('npx flatmachine run x.yml --inputs 1 | jq')).toEqual(['run --inputs']);
    expect(wrong('flatmachine serve')).toEqual(['flatmachine serve']);
    expect(wrong('--older-then')).toEqual(['--older-then']);
  });
});
