import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, directoryWith, startCli } from '../helpers/cli.ts';
import { FILES } from './machines.ts';

let cwd: string;
const run = (id: string, input: object) =>
  startCli(['run', 'worker.yml', '--id', id, '--input', JSON.stringify(input)], { cwd });
const show = async (id: string) => JSON.parse((await cli(['show', id, '--json'], { cwd })).stdout);
const visits = (id: string) =>
  readFileSync(join(cwd, 'visits.txt'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${id}.`));

beforeAll(() => {
  cwd = directoryWith(FILES);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('signals', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`stops at the next safe point on ${signal}, and resumes with nothing done twice`, async () => {
      const id = `i-${signal.toLowerCase()}`;
      const { child, saw, ended } = await run(id, { times: 3, ms: 400 });
      await saw(/entered/);
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
      expect(stderr).toMatch(/stopping at the next safe point/);
      expect(stderr).toMatch(new RegExp(`interrupted  ${id}[\\s\\S]*→ flatmachine resume ${id}\\n$`));
      expect(await show(id)).toMatchObject({ status: 'interrupted', holder: null });
      const resumed = await cli(['resume', id], { cwd });
      expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({
        code: 0,
        stdout: '{\n  "visited": 3\n}\n',
      });
      expect(new Set(visits(id)).size).toBe(3);
      expect(visits(id)).toHaveLength(3);
    });
  }

  it('ends at once on the second one', async () => {
    const { child, saw, ended } = await run('i2', { times: 1, action: 'hang' });
    await saw(/entered/);
    child.kill('SIGINT');
    await saw(/stopping/);
    const begun = Date.now();
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(Date.now() - begun).toBeLessThan(2000);
    expect(await show('i2')).toMatchObject({ status: 'running', holder: null });
  });
});

describe('an execution that somebody runs', () => {
  it('is not resumed by another process, which names the holder; kill -9 of the holder frees it', async () => {
    const { child, saw, ended } = await run('k1', { times: 1, action: 'hang' });
    await saw(/entered/);
    const locked = await cli(['resume', 'k1'], { cwd });
    expect({ code: locked.code, stdout: locked.stdout }).toEqual({ code: 1, stdout: '' });
    expect(locked.stderr).toMatch(new RegExp(`is being run by [^\\n]*${child.pid}`));
    expect(await show('k1')).toMatchObject({
      status: 'running',
      holder: { owner: expect.stringContaining(String(child.pid)) },
    });
    child.kill('SIGKILL');
    await ended;
    const taken = await cli(['resume', 'k1', '--from', 'done'], { cwd });
    expect({ code: taken.code, stderr: taken.stderr }).toMatchObject({ code: 0 });
  });

  it('is cancelled through its holder', async () => {
    const { saw, ended } = await run('x1', { times: 1, action: 'hang' });
    await saw(/entered/);
    const { code, stdout, stderr } = await cli(['cancel', 'x1'], { cwd });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: 'cancelled  x1\n' });
    expect((await ended).code).toBe(1);
    expect(await show('x1')).toMatchObject({ status: 'cancelled', next_state: null });
  });

  it('is cancelled here when its holder hangs and is then killed', async () => {
    const { child, saw, ended } = await run('x2', { times: 1, action: 'hang' });
    await saw(/entered/);
    child.kill('SIGSTOP');
    const hung = await cli(['cancel', 'x2', '--wait', '0.5'], { cwd });
    expect(hung.code).toBe(1);
    expect(hung.stderr).toMatch(new RegExp(`still being run by [^\\n]*${child.pid}`));
    child.kill('SIGKILL');
    await ended;
    expect(await cli(['cancel', 'x2'], { cwd })).toMatchObject({ code: 0, stderr: 'cancelled  x2\n' });
    expect(await show('x2')).toMatchObject({ status: 'cancelled', holder: null });
    expect(await cli(['cancel', 'x2'], { cwd })).toMatchObject({
      code: 0,
      stderr: 'x2 was cancelled already\n',
    });
    const resumed = await cli(['resume', 'x2'], { cwd });
    expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('lets its hooks give back what it owned when nobody ran it, and is released without its machine too', async () => {
    for (const id of ['x3', 'x4']) {
      expect(
        (await cli(['run', 'worker.yml', '--id', id, '--max-steps', '1', '--input', '{"times":2}'], { cwd }))
          .code,
      ).toBe(3);
    }
    expect((await cli(['cancel', 'x3'], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'ends.txt'), 'utf8')).toMatch(/^x3 cancelled$/m);
    renameSync(join(cwd, 'worker.yml'), join(cwd, 'gone.yml'));
    const without = await cli(['cancel', 'x4'], { cwd });
    renameSync(join(cwd, 'gone.yml'), join(cwd, 'worker.yml'));
    expect(without.code).toBe(0);
    expect(without.stderr).toMatch(/warning: the hooks of its machine were not told: .*worker\.yml/);
    expect(await show('x4')).toMatchObject({ status: 'cancelled' });
  });

  it('that has completed is not cancelled', async () => {
    await cli(['run', 'hello.yml', '--id', 'done1'], { cwd });
    expect(await cli(['cancel', 'done1'], { cwd })).toMatchObject({
      code: 1,
      stderr: 'done1 was not cancelled: it has completed\n',
    });
    expect((await cli(['cancel', 'absent'], { cwd })).code).toBe(2);
  });
});
