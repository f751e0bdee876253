import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemExecutionId } from '../../src/execution/pool/item-execution-id.ts';
import type { JsonObject } from '../../src/types.ts';
import type { RunningCli } from '../helpers/cli.ts';
import { onEveryStore, PoolPlace, shippedMachine } from './pool-place.ts';

const BATCH = shippedMachine('rollout-batch');
const TASKS = 24;

let place: PoolPlace;
afterEach(() => place.dispose());

const write = (file: string, lines: readonly unknown[]) =>
  writeFileSync(join(place.directory, file), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const results = () => place.lines('out.jsonl').map((line) => JSON.parse(line) as JsonObject);
const worker = (...args: string[]) =>
  place.start('worker', '--pool', 'rollouts', '--machine', 'job.yml', '--lease', '1', ...args);
const input = { tasks: 'tasks.jsonl', results: 'out.jsonl', max_retries: 50 };

onEveryStore('machines/rollout-batch.yml', (url) => {
  beforeEach(() => {
    place = new PoolPlace(url());
  });

  it('workers and the batch itself killed -9: each task has its result once, as in a quiet run, and nothing is left', async () => {
    const tasks = Array.from({ length: TASKS }, (_, n) => ({ id: `t${n}`, ms: 60 + (n % 5) * 20 }));
    write('tasks.jsonl', tasks);
    const workers: RunningCli[] = [];
    const working = async () => {
      const started = await worker('--concurrency', '2');
      await started.saw(/works on pool rollouts/);
      return started;
    };
    for (let n = 0; n < 3; n++) workers.push(await working());
    const batch = await place.start('run', BATCH, '--id', 'batch', '--input', JSON.stringify(input));
    await batch.saw(/wait {2}\d+\/24 done/);
    batch.child.kill('SIGKILL');
    let over = false;
    const resumed = (await place.start('resume', 'batch', '--quiet')).ended.finally(() => {
      over = true;
    });
    let kills = 0;
    for (let n = 0; !over; n++) {
      await Promise.race([resumed, sleep(600)]);
      if (over) break;
      workers[n % 3]?.child.kill('SIGKILL');
      kills++;
      workers[n % 3] = await working();
    }
    expect(kills).toBeGreaterThan(1);
    expect(await resumed).toMatchObject({ code: 0 });
    for (const { child } of workers) child.kill('SIGTERM');
    for (const { ended } of workers) expect(await ended).toMatchObject({ code: 0, stdout: '' });

    expect(results().map(({ id, status, output }) => ({ id, status, output }))).toEqual(
      tasks.map(({ id }) => ({ id, status: 'completed', output: { id, n: 3 } })),
    );
    await place.look(async (store) => {
      expect(await store.work.pool('rollouts').counts()).toEqual({
        pending: 0,
        delayed: 0,
        claimed: 0,
        done: TASKS,
        poisoned: 0,
      });
      const executions = await store.persistence.executions();
      expect(executions.map(({ status }) => status)).toEqual(Array(TASKS + 1).fill('completed'));
      for (const { execution_id } of results()) {
        expect(await store.locking.holder(execution_id as string)).toBeNull();
      }
      const up = await store.registration.list({ status: 'active' });
      expect(up.length).toBe(kills);
    });
    // What was committed was not done again: beyond one line per step there are only those of steps that a kill has cut off.
    const did = place.lines('did.txt');
    expect(new Set(did).size).toBe(TASKS * 3);
    expect(did.length).toBeLessThanOrEqual(TASKS * 3 + kills * 2);
  }, 60_000);
});

describe('a batch', () => {
  beforeEach(() => {
    place = new PoolPlace();
  });

  it('has failed tasks in their place, and those without an id under the number of their line', async () => {
    write('tasks.jsonl', [{ id: 'good' }, { fail: true }, 'text', { id: 7 }]);
    await worker('--quiet', '--concurrency', '4');
    const given = JSON.stringify({ ...input, max_retries: 2, pool: 'rollouts' });
    const batch = await place.start('run', BATCH, '--id', 'b', '--input', given);
    const { code, stdout, stderr } = await batch.ended;
    expect({ code, output: JSON.parse(stdout) }).toEqual({
      code: 0,
      output: { results: join(place.directory, 'out.jsonl'), total: 4, completed: 3, failed: 1 },
    });
    expect(stderr).toMatch(/wait {2}3\/4 done, 0 running, 1 failed, [\d.]+\/s$/m);
    expect(results()).toEqual([
      {
        id: 'good',
        status: 'completed',
        output: { id: 'good', n: 3 },
        execution_id: expect.any(String),
        attempts: 1,
      },
      {
        id: 2,
        status: 'failed',
        error: expect.stringMatching(/told to fail/),
        execution_id: expect.any(String),
        attempts: 2,
      },
      {
        id: 3,
        status: 'completed',
        output: { id: null, n: 3 },
        execution_id: expect.any(String),
        attempts: 1,
      },
      { id: 7, status: 'completed', output: { id: 7, n: 3 }, execution_id: expect.any(String), attempts: 1 },
    ]);
    const items = await place.look((store) => store.work.pool('rollouts').items());
    expect(results().map(({ execution_id }) => execution_id)).toEqual(
      items.map(({ id }) => itemExecutionId('rollouts', id)),
    );
  });

  it('that is run again under another id does all of it again', async () => {
    write('tasks.jsonl', [{ id: 'a' }]);
    await worker('--quiet');
    for (const id of ['first', 'second']) await place.run(BATCH, input, '--id', id);
    expect((await place.look((store) => store.work.pool('rollouts').counts())).done).toBe(2);
  });

  it('says which line is wrong before anything is pushed', async () => {
    const bad = async (text: string) => {
      writeFileSync(join(place.directory, 'tasks.jsonl'), text);
      return (await place.do('run', BATCH, '--quiet', '--input', JSON.stringify(input))).stderr;
    };
    expect(await bad('{"id":"a"}\n\n{oops\n')).toMatch(/tasks.jsonl, line 3: this is not JSON/);
    expect(await bad('{"id":"a"}\n{"id":"b"}\n{"id":"a"}\n')).toMatch(/lines 1 and 3 have the same id, "a"/);
    expect(await place.look((store) => store.work.pools())).toEqual([]);
  });

  it('of no tasks is done at once, with an empty file', async () => {
    write('tasks.jsonl', []);
    expect(await place.run(BATCH, input)).toMatchObject({ total: 0, completed: 0 });
    expect(place.lines('out.jsonl')).toEqual([]);
  });
});
