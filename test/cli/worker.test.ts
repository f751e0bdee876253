import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { JsonObject } from '../../src/types.ts';
import { cli, directoryWith, type RunningCli, startCli } from '../helpers/cli.ts';
import { FILES } from './waiting-machines.ts';

let cwd: string;
let started: RunningCli[];
const at = (...args: string[]) => cli(args, { cwd });
/** Looks into the store from here, which is quicker than a command. */
const look = async <T>(body: (store: BackendSet) => Promise<T>): Promise<T> => {
  const store = await openBackends(`sqlite:${join(cwd, '.flatmachine', 'flatmachine.db')}`);
  try {
    return await body(store);
  } finally {
    await store.close();
  }
};
const push = (data: JsonObject) => look(({ work }) => work.pool('p').push(data));
const item = (id: string) => look(({ work }) => work.pool('p').item(id));
const start = async (machine: string, ...args: string[]) => {
  const process = await startCli(['worker', '--pool', 'p', '--machine', machine, ...args], { cwd });
  started.push(process);
  return process;
};

const SLOW = FILES['slow.yml']
  .replace('type: initial, wait_for: slow', 'type: initial')
  .replace('ms: 500', 'ms: input.ms');

/** Stops when it is interrupted, as hooks should. */
const NOTE = FILES['note.mjs']
  .replace('{ input })', '{ input, signal })')
  .replace('sleep(input.ms)', 'sleep(input.ms, undefined, { signal })');

beforeEach(() => {
  cwd = directoryWith({ ...FILES, 'slow.yml': SLOW, 'note.mjs': NOTE });
  started = [];
});
afterEach(async () => {
  for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(cwd, { recursive: true, force: true });
});

describe('a worker of a pool', () => {
  it('finishes what is under way on SIGTERM, takes nothing more, and is registered as ended', async () => {
    const [one, two] = [await push({ ms: 600 }), await push({ ms: 1 })];
    const { child, saw, ended } = await start('slow.yml', '--id', 'w1');
    await saw(/item \d+, attempt 1/);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/finishing what is under way/);
    expect(await item(one)).toMatchObject({ status: 'done', claimed_by: 'w1', attempts: 1 });
    expect(await item(two)).toMatchObject({ status: 'pending', attempts: 0 });
  });

  it('gives back, uncounted, what is not done after --drain seconds, or at the second signal', async () => {
    const id = await push({ ms: 60_000 });
    for (const [args, signals] of [
      [['--drain', '0.1'], 1],
      [[], 2],
    ] as const) {
      const { child, saw, ended } = await start('slow.yml', ...args);
      await saw(/item \d+, attempt 1/);
      await saw(/p\.\d+ {2}item/);
      for (let n = 0; n < signals; n++) {
        child.kill('SIGTERM');
        await saw(n === 0 ? /finishing what is under way/ : /stopping what is under way/);
      }
      const { code, stderr } = await ended;
      expect(code).toBe(0);
      expect(stderr).toMatch(/interrupted and given back/);
      expect(await item(id)).toMatchObject({ status: 'pending', attempts: 0 });
    }
  });

  it('killed -9, loses an attempt and no item: the next one goes on in the same execution', async () => {
    const id = await push({ ms: 500 });
    const { child, saw, ended } = await start('slow.yml', '--lease', '0.5', '--id', 'first');
    await saw(/item \d+, attempt 1/);
    child.kill('SIGKILL');
    await ended;
    expect(await item(id)).toMatchObject({ status: 'claimed', attempts: 1 });
    const next = await start('slow.yml', '--lease', '0.5', '--until-empty', '--id', 'second');
    const { code, stderr } = await next.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`p\\.${id} {2}item ${id}, attempt 2`));
    expect(await item(id)).toMatchObject({ status: 'done', attempts: 2 });

    // The one that was killed may live, as far as the register knows.
    const gone = async () => (await at('gc', '--older-than', '0s')).stdout.match(/^worker \S+ {2}\w+/gm);
    expect(await gone()).toEqual(['worker second  terminated']);
    await look(({ registration }) => registration.markLost('first', 0));
    expect(await gone()).toEqual(['worker first  lost']);
    expect(await look(({ registration }) => registration.list())).toEqual([]);
  });

  it('with --signals goes on with what waits at once', async () => {
    const id = await push({ channel: 'd' });
    const { child, saw, ended } = await start('waiter.yml', '--signals', '--json');
    await saw(/work_given_back/);
    await at('signal', 'd', '1');
    await saw(/dispatch_resumed/);
    await saw(/"work_done"/);
    expect(await item(id)).toMatchObject({ status: 'done', attempts: 1 });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});
