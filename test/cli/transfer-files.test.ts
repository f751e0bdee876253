import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { cli, directoryWith } from '../helpers/cli.ts';

/** What some take for the end of a line, and JSON does not. */
const TEXT = 'a\u2028b\u2029c\u0085d\rzß🗝';

let cwd: string;
const at = (...args: string[]) => cli([...args, '--backend', 'sqlite:here.db'], { cwd });
const open = () => openBackends(`sqlite:${join(cwd, 'here.db')}`);

beforeAll(async () => {
  cwd = directoryWith({});
  const store = await open();
  await store.persistence.save(
    stepKey('odd', 0),
    snapshotOf('odd', 0, { status: 'waiting', context: { [TEXT]: TEXT } }),
  );
  await saveSteps(store, 'p', 0, 1);
  await store.persistence.save(stepKey('c', 0), snapshotOf('c', 0, { parent_execution_id: 'p' }));
  await store.close();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it('text may hold whatever JSON may', async () => {
  expect((await at('export', 'odd', '--out', 'odd.jsonl')).code).toBe(0);
  const there = ['--backend', 'sqlite:there.db'];
  expect(await cli(['import', 'odd.jsonl', ...there], { cwd })).toMatchObject({ code: 0, stdout: 'odd\n' });
  const shown = await cli(['export', 'odd', ...there], { cwd });
  expect(shown.stdout).toBe(readFileSync(join(cwd, 'odd.jsonl'), 'utf8'));
});

it('a file that is there is kept, and one that could not be finished is not', async () => {
  writeFileSync(join(cwd, 'mine'), 'mine');
  expect(await at('export', 'odd', '--out', 'mine')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is a file mine already'),
  });
  expect(readFileSync(join(cwd, 'mine'), 'utf8')).toBe('mine');
  const store = await open();
  await store.locking.acquire('c');
  expect((await at('export', 'p', '--out', 'p.jsonl')).stderr).toContain('c is being run by');
  expect(existsSync(join(cwd, 'p.jsonl'))).toBe(false);
  await store.close();
});

it('a directory is no file', async () => {
  mkdirSync(join(cwd, 'directory'));
  expect(await at('import', 'directory')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cannot read directory'),
  });
});
