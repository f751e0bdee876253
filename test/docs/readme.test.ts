import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import type { CliResult } from '../helpers/cli.ts';
import { type Newcomer, newcomer } from '../helpers/newcomer.ts';
import { blocks } from '../helpers/pages.ts';

/** What stands in the README's blocks of one language. */
function shown(language: string): string[] {
  const found = blocks(join(packageRoot(), 'README.md')).filter((block) => block.language === language);
  return found.map(({ code }) => code);
}

let place: Newcomer;
beforeAll(async () => {
  place = await newcomer();
  return () => place.remove();
});

/** What each block of commands shows, in order. The first installs, which CI does. */
const SHOWN: readonly ((result: CliResult) => void)[] = [
  ({ stdout }) => {
    expect(stdout).toMatch(
      /^\{\n {2}"reward": 1,\n {2}"outcome": "ok",\n {2}"blame": null,\n {2}"trainable": true,/,
    );
    expect(stdout).toContain('turn.0: tool_calls');
  },
  ({ stdout, stderr }) => {
    expect(stderr).toContain('turn 2: watch and wait');
    const verdict = { outcome: 'timeout', blame: 'policy', turns: 2 };
    expect(JSON.parse(stdout), `${stdout}${stderr}`).toMatchObject(verdict);
  },
  ({ stdout, stderr }) => {
    expect(stderr).toContain('handed to 1 execution');
    expect(stdout).toMatch(/"resumed": 1,/);
    expect(stdout).toMatch(/"approved": ?true/);
  },
  ({ stdout, stderr }) => {
    for (const id of ['swe', 'mine', 'release'])
      expect(stdout).toMatch(new RegExp(`^${id} .*completed`, 'm'));
    expect(stderr).toContain(' 0 errors, 0 warnings');
    expect(stdout).toContain('stateDiagram');
    expect(stdout).toContain('--runner auto');
  },
  ({ stdout, stderr }) => {
    expect(stdout, stderr).toMatch(/"total": 3,\n {2}"completed": 3,\n {2}"failed": 0/);
    const lines = readFileSync(join(place.directory, 'results.jsonl'), 'utf8').trimEnd().split('\n');
    const results = lines.map((line) => JSON.parse(line));
    expect(results.map(({ id, status, output }) => [id, status, output.reward])).toEqual([
      ['sales', 'completed', 1],
      ['sales-given-up', 'completed', 0],
      ['sales-again', 'completed', 1],
    ]);
  },
];

describe('the README', () => {
  it('shows commands that do what it says', { timeout: 60_000 }, async () => {
    const [install, ...rest] = shown('sh');
    expect(install).toContain('npm install && npm test');
    expect(rest).toHaveLength(SHOWN.length);
    for (const [i, lines] of rest.entries()) SHOWN[i]!(await place.shell(lines));
  });

  it('shows a machine that runs', async () => {
    const [machine] = shown('yaml');
    writeFileSync(join(place.directory, 'release.yml'), machine!);
    const { stderr } = await place.shell('flatmachine lint release.yml');
    expect(stderr).toBe('1 file, 0 errors, 0 warnings\n');
    const { stdout } = await place.shell(`
      flatmachine signal approvals/notes '{"approved": false}'
      flatmachine run release.yml --id notes --quiet
      flatmachine signal approvals/notes '{"approved": true, "by": "ada"}'
      flatmachine resume notes --quiet`);
    expect(JSON.parse(stdout)).toEqual({ notes: 'Faster, and a new logo.', by: 'ada' });
  });

  it('shows a program that prints what it says', async () => {
    const [program] = shown('js');
    writeFileSync(join(place.directory, 'example.mjs'), program!);
    const { stdout, stderr } = await place.shell('node example.mjs');
    expect(stderr).toBe('');
    const said = [...program!.matchAll(/console\.log.*; \/\/ (.*)$/gm)].map(([, text]) => text!);
    expect(said.length).toBeGreaterThan(3);
    const printed = stdout.trimEnd().split('\n');
    expect(printed.filter((line) => !line.startsWith('→'))).toEqual(said);
    expect(printed.filter((line) => line.startsWith('→'))).toEqual(['→ count', '→ count', '→ done']);
  });
});
