import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, cli, directoryWith, startCli } from '../helpers/cli.ts';
import { FILES } from './waiting-machines.ts';

let cwd: string;
const at = (...args: string[]) => cli(args, { cwd });
const start = (args: string[], options: Omit<CliOptions, 'cwd'> = {}) => startCli(args, { cwd, ...options });
const show = async (id: string) => JSON.parse((await at('show', id, '--json')).stdout);
const wait = (id: string, channel: string) =>
  at('run', 'waiter.yml', '--id', id, '--quiet', '--input', JSON.stringify({ channel }));
const lines = (file: string) =>
  existsSync(join(cwd, file)) ? readFileSync(join(cwd, file), 'utf8').trimEnd().split('\n') : [];
const once = async () => JSON.parse((await at('worker', '--signals', '--once', '--quiet')).stdout);

beforeAll(() => {
  cwd = directoryWith(FILES);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('a run that waits', () => {
  it('exits with 4, says how to signal it, and is completed by a worker', async () => {
    const parked = await at('run', 'waiter.yml', '--id', 'w1', '--input', '{"channel":"door 1"}');
    expect({ code: parked.code, stdout: parked.stdout }).toEqual({ code: 4, stdout: '' });
    expect(parked.stderr).toMatch(/waiting {2}w1 {2}at state wait, 1 step\n/);
    expect(parked.stderr).toContain("→ flatmachine signal 'door 1' '{…}'\n  → flatmachine worker --signals ");
    expect((await at('ls')).stdout).toMatch(/^w1 +waiter +waiting +wait .*a signal on door 1$/m);
    expect((await at('show', 'w1')).stdout).toMatch(/^waits for +a signal on door 1$/m);
    const sent = await at('signal', 'door 1', '{"open":true}');
    expect(sent).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/handed to 1 execution\n$/),
    });
    const worker = await at('worker', '--signals', '--once');
    expect({ code: worker.code, counts: JSON.parse(worker.stdout) }).toEqual({
      code: 0,
      counts: { resumed: 1, busy: 0, failed: 0 },
    });
    expect(worker.stderr).toMatch(/w1 {2}signal on door 1\n.*w1 {2}completed at done\n/);
    expect(await show('w1')).toMatchObject({
      status: 'completed',
      output: { got: { open: true } },
      wait: null,
    });
    expect((await at('history', 'w1')).stdout).toMatch(/waiting .*waits for door 1\n.*signal on door 1\n/);
  });

  it('takes a signal that was there before it, and `resume` takes one as well', async () => {
    writeFileSync(join(cwd, 'data.json'), '[1,2]');
    expect((await at('signal', 'early', '@data.json')).stderr).toMatch(/queued, nobody waits/);
    const { code, stdout } = await wait('w2', 'early');
    expect({ code, stdout: JSON.parse(stdout) }).toEqual({ code: 0, stdout: { got: { value: [1, 2] } } });
    expect((await wait('w3', 'later')).code).toBe(4);
    expect((await at('resume', 'w3', '--quiet')).code).toBe(4);
    await cli(['signal', 'later', '-'], { cwd, stdin: '"x"' });
    expect(JSON.parse((await at('resume', 'w3')).stdout)).toEqual({ got: { value: 'x' } });
  });

  it('is told what is wrong with a signal', async () => {
    const empty = directoryWith({});
    const cases: [Promise<{ code: number | null; stderr: string }>, RegExp][] = [
      [at('signal', 'x'), /missing required argument 'json'/],
      [at('signal', 'x', '{oops'), /the signal is not JSON/],
      [at('signal', '', '1'), /channel/],
      [cli(['signal', 'x', '1'], { cwd: empty }), /no store at/],
      [at('worker'), /worker --signals/],
    ];
    for (const [result, message] of cases) {
      const { code, stderr } = await result;
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    }
    expect(existsSync(join(empty, '.flatmachine'))).toBe(false);
    rmSync(empty, { recursive: true });
  });
});

describe('a worker', () => {
  it('serves signals and deadlines while it runs, and on SIGTERM finishes what is under way', async () => {
    const { child, saw, ended } = await start(['worker', '--signals']);
    await saw(/resuming what is ready/);
    expect((await at('run', 'late.yml', '--id', 'late', '--quiet')).code).toBe(4);
    await saw(/late {2}deadline passed on never\n.*late {2}completed at gave_up/);
    expect((await at('run', 'slow.yml', '--id', 'slow', '--quiet')).code).toBe(4);
    await at('signal', 'slow', '1');
    await saw(/slow {2}signal on slow/);
    child.kill('SIGTERM');
    await saw(/finishing what is under way/);
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/slow {2}completed at done/);
  });

  for (const point of ['step.before-commit', 'step.after-commit', 'execution.finished']) {
    it(`killed -9 at ${point}: the next one goes on, and the signal counts once`, async () => {
      const id = point.replace('.', '-');
      await wait(id, id);
      await at('signal', id, '1');
      const env = { FLATMACHINE_CRASH_AT: point };
      const killed = await cli(['worker', '--signals'], { cwd, env, timeout: 5_000 });
      expect(killed.signal).toBe('SIGKILL');
      expect((await once()).failed).toBe(0);
      expect(await show(id)).toMatchObject({
        status: 'completed',
        output: { got: { value: 1 } },
        wait: null,
      });
      expect(lines('got.txt').filter((line) => line.startsWith(`${id} `))).toHaveLength(1);
      expect((await wait(`${id}-2`, id)).code).toBe(4);
    });
  }

  it('leaves a machine that cannot be loaded for later, and says so', async () => {
    await at('run', 'broken.yml', '--id', 'broken', '--quiet', '--input', '{"channel":"broken"}');
    await wait('whole', 'broken');
    writeFileSync(join(cwd, 'broken.yml'), 'spec: flatmachine\n');
    await at('signal', 'broken', '1');
    const { code, stdout, stderr } = await at('worker', '--signals', '--once');
    expect({ code, counts: JSON.parse(stdout) }).toEqual({
      code: 1,
      counts: { resumed: 1, busy: 0, failed: 1 },
    });
    expect(stderr).toMatch(/broken {2}error: the machine has /);
    expect(await show('whole')).toMatchObject({ status: 'completed' });
    writeFileSync(join(cwd, 'broken.yml'), FILES['waiter.yml']);
    expect(await once()).toEqual({ resumed: 1, busy: 0, failed: 0 });
  });
});

describe('a tree that waits', () => {
  const run = (id: string) => at('run', 'parent.yml', '--id', id);

  it('parks as a whole, and is completed child by child', async () => {
    const parked = await run('t1');
    expect(parked.code).toBe(4);
    expect(parked.stderr).toMatch(/→ flatmachine signal outer [\s\S]*→ flatmachine worker --signals/);
    expect(parked.stderr).toMatch(/^\S+ {2}t1\.1\.0 {2} +1 wait {2}waiting for a signal on outer$/m);
    const roots = (await at('ls', '--status', 'waiting')).stdout;
    expect(roots).toMatch(/^t1 .* 2 .*its children$/m);
    expect(roots).not.toContain('t1.1.0');
    const children = JSON.parse((await at('ls', '--children', 't1', '--json')).stdout);
    expect(children.map((row: { execution_id: string }) => row.execution_id).sort()).toEqual([
      't1.1.0',
      't1.1.1',
    ]);
    expect((await at('ls', '--all')).stdout).toMatch(/^t1\.1\.1\.1\.0 +leaf +waiting .*a signal on one$/m);
    expect((await at('show', 't1')).stdout).toMatch(/^children +2 waiting$/m);
    for (const channel of ['two', 'outer', 'one']) await at('signal', channel, `"${channel}"`);
    expect((await once()).failed).toBe(0);
    expect(await show('t1')).toMatchObject({
      status: 'completed',
      output: { waiter: { got: { value: 'outer' } }, inner: [{ got: 'one' }, { got: 'two' }] },
      children: { completed: 2 },
    });
  });

  it('is cancelled as a whole, gives back what it owned, and only then does gc take it', async () => {
    await run('t2');
    await at('gc', '--older-than', '0s');
    expect(await show('t2')).toMatchObject({ status: 'waiting' });
    expect(await show('t2.1.1.1.0')).toMatchObject({ status: 'waiting' });
    expect(await at('cancel', 't2')).toMatchObject({
      code: 0,
      stderr: 'cancelled  t2 and everything below it\n',
    });
    for (const id of ['t2', 't2.1.0', 't2.1.1', 't2.1.1.1.0', 't2.1.1.1.1']) {
      expect(await show(id)).toMatchObject({ status: 'cancelled', wait: null });
    }
    expect(lines('ends.txt')).toContain('t2.1.0 cancelled');
    expect((await at('signal', 'outer', '1')).stderr).toMatch(/queued/);
    expect(await once()).toEqual({ resumed: 0, busy: 0, failed: 0 });
    const { stdout, stderr } = await at('gc', '--older-than', '0s');
    expect(stderr).toBe('5 executions deleted\n');
    expect(stdout.split('\n')[0]).toMatch(/^t2 /);
    expect((await at('show', 't2.1.1.1.1')).code).toBe(2);
  });
});

describe('a run that launches', () => {
  it('prints its result at once and stays until what it launched has ended', async () => {
    const { child, saw, ended } = await start(['run', 'launcher.yml', '--id', 'l1', '--input', '{"ms":400}']);
    await saw(/"launched": true/);
    expect(child.exitCode).toBe(null);
    await saw(/what it launched still runs/);
    expect((await ended).code).toBe(0);
    expect(JSON.parse((await at('ls', '--children', 'l1', '--json')).stdout)).toMatchObject([
      { status: 'completed' },
    ]);
  });

  it('stops that resumably on Ctrl-C', async () => {
    const { child, saw, ended } = await start(['run', 'launcher.yml', '--id', 'l2', '--input', '{"ms":300}']);
    await saw(/still runs/);
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
    const [launched] = JSON.parse((await at('ls', '--children', 'l2', '--json')).stdout);
    expect(launched).toMatchObject({ status: 'interrupted' });
    expect((await at('resume', launched.execution_id)).code).toBe(0);
  });
});
