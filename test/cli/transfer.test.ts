import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, directoryWith } from '../helpers/cli.ts';
import { FILES } from './waiting-machines.ts';

let cwd: string;
const at = (...args: string[]) => cli(args, { cwd });
beforeAll(() => {
  cwd = directoryWith(FILES);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it('a parked tree goes on in another store, by signals', async () => {
  expect((await at('run', 'parent.yml', '--id', 'p', '--quiet')).code).toBe(4);
  const out = await at('export', 'p', '--out', 'p.jsonl');
  expect(out).toMatchObject({ code: 0, stdout: '', stderr: '5 executions exported\n' });
  expect(await at('export', 'p', '--out', 'p.jsonl')).toMatchObject({ code: 2 });
  const there = ['--backend', 'sqlite:there.db'];
  const imported = await at('import', 'p.jsonl', ...there);
  expect(imported).toMatchObject({ code: 0, stderr: '5 executions imported\n' });
  expect(imported.stdout.trim().split('\n').at(-1)).toBe('p');
  for (const channel of ['outer', 'one', 'two']) await at('signal', channel, `"${channel}"`, ...there);
  for (let round = 0; round < 5; round++) await at('worker', '--signals', '--once', '--quiet', ...there);
  const shown = JSON.parse((await at('show', 'p', '--json', ...there)).stdout);
  expect(shown).toMatchObject({ status: 'completed' });
  expect(JSON.stringify(shown.output)).toMatch(/outer.*one.*two/);
  expect(JSON.parse((await at('show', 'p', '--json')).stdout)).toMatchObject({ status: 'waiting' });
});

it('what is exported to stdout is imported from stdin', async () => {
  expect((await at('run', 'waiter.yml', '--id', 'w', '--quiet', '--input', '{"channel":"c"}')).code).toBe(4);
  const { stdout } = await at('export', 'w');
  const { code } = await cli(['import', '-', '--backend', 'sqlite:other.db'], { cwd, stdin: stdout });
  expect(code).toBe(0);
  expect((await at('history', 'w', '--backend', 'sqlite:other.db')).stdout).toBe(
    (await at('history', 'w')).stdout,
  );
});

it('bad input is refused and stores nothing', async () => {
  writeFileSync(
    join(cwd, 'half.jsonl'),
    readFileSync(join(cwd, 'p.jsonl'), 'utf8').split('\n').slice(0, 4).join('\n'),
  );
  const half = await at('import', 'half.jsonl', '--backend', 'sqlite:half.db');
  expect(half).toMatchObject({ code: 2, stdout: '' });
  expect(half.stderr).toMatch(/line 5 cannot be imported: the export ends before its last record/);
  expect((await at('ls', '--json', '--backend', 'sqlite:half.db')).stdout).toBe('[]\n');
  expect(await at('import', 'nowhere.jsonl')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/cannot read nowhere/),
  });
  expect(await at('export', 'nobody', '--out', 'nobody.jsonl')).toMatchObject({ code: 2 });
  expect(existsSync(join(cwd, 'nobody.jsonl'))).toBe(false);
});
