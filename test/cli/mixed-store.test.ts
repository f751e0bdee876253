import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli } from '../helpers/cli.ts';

let cwd = '';

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'flatmachine-cli-mixed-'));
});

afterEach(() => rmSync(cwd, { recursive: true }));

const MACHINE = `
spec: flatmachine
spec_version: "1.0.0"
data:
  name: m
  context: { n: 0 }
  settings:
    backends: { persistence: local, locking: sqlite, results: memory, work: sqlite, sqlite_path: ./locks.db }
  states:
    a:
      type: initial
      output_to_context: { n: "{{ context.n + 1 }}" }
      transitions: [{ condition: "context.n == 3", to: b }, { to: a }]
    b: { type: final, output: { n: context.n } }
`;

it('a machine kept in two stores is listed, resumed and deleted by the URL that its run tells', async () => {
  writeFileSync(join(cwd, 'm.yml'), MACHINE);
  const run = await cli(['run', 'm.yml', '--id', 'x', '--max-steps', '1', '--quiet'], { cwd });
  expect(run.code).toBe(3);
  const url = /--backend '?(mixed:[^'\s]+)/.exec(run.stderr)?.[1] as string;
  expect(url).toContain('persistence=local:');
  expect(url).toContain('locking=sqlite:');
  const { stdout: listed } = await cli(['ls', '--json', '--backend', url], { cwd });
  expect(JSON.parse(listed)).toMatchObject([{ execution_id: 'x', status: 'limit' }]);
  // One part alone lists it too, though it has neither slots nor signals.
  const { stdout: alone } = await cli(['ls', '--json', '--backend', 'local'], { cwd });
  expect(JSON.parse(alone)).toMatchObject([{ execution_id: 'x' }]);
  const resumed = await cli(['resume', 'x', '--max-steps', '9', '--backend', url], { cwd });
  expect(resumed).toMatchObject({ code: 0 });
  expect(JSON.parse(resumed.stdout)).toEqual({ n: 3 });
  expect((await cli(['show', 'x', '--backend', url], { cwd })).stdout).toContain('completed');
  expect((await cli(['gc', '--older-than', '0s', '--backend', url], { cwd })).stdout).toContain(
    'x  completed',
  );
  expect(JSON.parse((await cli(['ls', '--json', '--backend', url], { cwd })).stdout)).toEqual([]);
});

it('files that are not there are not made by looking', async () => {
  const { stderr } = await cli(['ls', '--backend', 'local:nowhere'], { cwd });
  expect(stderr).toContain(`there is no store at local:${join(cwd, 'nowhere')} yet`);
});
