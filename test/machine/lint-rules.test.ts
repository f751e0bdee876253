import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type KnownHooks,
  type LintOptions,
  lintTree,
  loadMachineFile,
  RULES,
} from '../../src/machine/index.ts';

const BROKEN = join(import.meta.dirname, '../fixtures/broken');
const KNOWN: KnownHooks = new Map([
  ['logging', []],
  ['rollout', ['prepare', 'verify']],
]);
const OPTIONS: LintOptions = {
  knownHooks: KNOWN,
  knownAgentTypes: ['flatagent', 'command', 'http', 'script'],
  knownExecutionTypes: ['debate'],
};

/** The place that a fixture marks: `# <- here COLUMN` at the end of the line. */
function marked(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('# <- here'));
  const column = /# <- here (\d+)/.exec(lines[line] ?? '')?.[1];
  expect(column, `${file} marks no place`).toBeDefined();
  return `${line + 1}:${column}`;
}

describe('every rule', () => {
  it.each(RULES.map((rule) => [rule.code, rule] as const))(
    '%s finds its broken machine, and nothing else',
    async (code, rule) => {
      const file = join(BROKEN, `${code}.yml`);
      const { found } = await lintTree(await loadMachineFile(file), OPTIONS);
      const said = found.map((one) => `${one.location.line}:${one.location.column} ${one.code}`);
      expect(said).toEqual([`${marked(file)} ${code}`]);
      expect(found[0]?.severity).toBe(rule.severity);
      expect(found[0]?.location.file).toBe(file);
      expect(found[0]?.message.length).toBeGreaterThan(10);
      expect(found[0]?.remedy.length).toBeGreaterThan(5);
    },
  );

  it('has a broken machine, and each broken machine a rule', () => {
    const fixtures = readdirSync(BROKEN).map((name) => name.replace(/\.yml$/, ''));
    expect(fixtures.sort()).toEqual(RULES.map((rule) => rule.code).sort());
  });

  it('has a kebab-case code of its own and says what to do', () => {
    expect(new Set(RULES.map((rule) => rule.code)).size).toBe(RULES.length);
    for (const rule of RULES) {
      expect(rule.code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(rule.summary).toMatch(/\.$/);
      expect(rule.remedy).toMatch(/\.$/);
    }
  });
});
