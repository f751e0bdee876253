import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet, WorkPool } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { JsonObject } from '../../src/types.ts';
import { startPoolWorker, usePoolWorkers } from '../backends/spawn-pool-worker.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { child, oneState, run } from './helpers.ts';

usePoolWorkers();

let set: BackendSet;
let pool: WorkPool;
let url: string;

beforeEach(async () => {
  url = `sqlite:${join(temporaryDirectory(), 'store.db')}?durability=process-crash`;
  set = await openBackends(url);
  pool = set.work.pool('p');
});
afterEach(() => set.close());

describe('work pools', () => {
  it('case 74: first in, first out, attempts counted at the claim; pools are apart', async () => {
    for (const n of [1, 2]) await pool.push({ n });
    expect(await pool.size()).toBe(2);
    expect(await pool.claim('w')).toMatchObject({ data: { n: 1 }, attempts: 1, status: 'claimed' });
    expect(await pool.size()).toBe(1);
    expect(await set.work.pool('other').claim('w')).toBeNull();
    expect(await pool.claim('w')).toMatchObject({ data: { n: 2 } });
    expect(await pool.claim('w')).toBeNull();
  });

  it('case 75: a failed item goes back until it had its attempts, then it is poisoned, with its error', async () => {
    const id = await pool.push('x', { max_retries: 2 });
    for (const status of ['pending', 'poisoned']) {
      await pool.claim('w');
      await pool.fail(id, 'no');
      expect(await pool.item(id)).toMatchObject({ status, error: 'no' });
    }
    expect(await pool.claim('w')).toBeNull();
  });

  it('case 76: a completed item keeps its result; another claim cannot complete it', async () => {
    const id = await pool.push('x');
    await pool.claim('w');
    await pool.complete(id, { ok: true });
    expect(await pool.item(id)).toMatchObject({ status: 'done', result: { ok: true } });
    await expect(pool.complete(id, 'again', { claim_token: 'another' })).rejects.toMatchObject({
      code: 'lease-lost',
    });
  });

  it('case 77: eight processes claim 400 items once each', async () => {
    await pool.pushMany(Array.from({ length: 400 }, (_, n) => ({ data: { n } })));
    const options = (worker: string) => ({ pool: 'p', worker, concurrency: 5, lease: 30_000, work: 0 });
    const workers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => startPoolWorker(url, options(`w${n}`))),
    );
    for (const worker of workers) worker.go();
    await Promise.all(workers.map(({ ended }) => ended));
    const claims = workers.flatMap(({ said }) =>
      said.flatMap((one) => ('claimed' in one ? [one.claimed] : [])),
    );
    expect([claims.length, new Set(claims).size]).toEqual([400, 400]);
  });

  it('case 78: putting back what a worker has claimed counts as an attempt, up to the last', async () => {
    const id = await pool.push('x', { max_retries: 2 });
    for (const status of ['pending', 'poisoned']) {
      await pool.claim('w');
      expect(await pool.releaseByWorker('w')).toBe(1);
      expect(await pool.item(id)).toMatchObject({ status });
    }
  });

  it('case 79: a claim that ran out or was put back can neither complete nor fail', async () => {
    const id = await pool.push('x');
    const first = await pool.claim('a', { lease: 20 });
    await sleep(40);
    await pool.claim('b');
    const stale = { claim_token: first!.claim_token };
    for (const refused of [pool.complete(id, 1, stale), pool.fail(id, 'e', stale), pool.release(id, stale)]) {
      await expect(refused).rejects.toMatchObject({ code: 'lease-lost' });
    }
    await pool.releaseByWorker('b');
    await expect(pool.complete(id, 1)).rejects.toMatchObject({ code: 'lease-lost' });
  });

  it('case 80: the register knows workers by status, capability, pool and age; who comes again keeps its history', async () => {
    const { registration } = set;
    const started_at = new Date().toISOString();
    const first = await registration.register({
      worker_id: 'a',
      started_at,
      capabilities: ['gpu'],
      metadata: { x: 1 },
      heartbeat_interval: 0.02,
    });
    await registration.register({ worker_id: 'b', started_at, pool_id: 'p' });
    expect(first.status).toBe('active');
    await registration.heartbeat('a', { y: 2 });
    expect(await registration.get('a')).toMatchObject({ metadata: { x: 1, y: 2 } });
    await expect(registration.heartbeat('unknown')).rejects.toMatchObject({ code: 'not-found' });
    const ids = async (filter: object) => (await registration.list(filter)).map(({ worker_id }) => worker_id);
    expect(await ids({ status: ['active', 'lost'] })).toEqual(['a', 'b']);
    expect(await ids({ capability: 'gp' })).toEqual([]);
    expect(await ids({ capability: 'gpu' })).toEqual(['a']);
    expect(await ids({ pool_id: 'p' })).toEqual(['b']);
    await sleep(60);
    expect(await ids({ stale_threshold_seconds: true })).toEqual(['a']);
    expect(await registration.markLost('a')).toBe(true);
    await expect(registration.heartbeat('a')).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await registration.register({ worker_id: 'a', started_at })).toMatchObject({
      status: 'active',
      registered_at: first.registered_at,
      registrations: 2,
      metadata: { x: 1, y: 2 },
    });
  });
});

describe('distributed workers', () => {
  const act = async (action: string, context: JsonObject) => {
    const machine = {
      hooks: 'distributed-worker',
      context: { ...context, out: null },
      ...oneState({ action }),
    };
    const result = await run(machine, {}, {}, { backend: set });
    return result.status === 'completed' ? result.output : result.error?.error_type;
  };

  it('case 81: as many workers as there is work for, up to the most, less those that are there', async () => {
    const table = [
      [5, 1, 3, 2],
      [0, 0, 3, 0],
      [2, 5, 3, 0],
    ];
    for (const [queue_depth, active_workers, max_workers, spawn] of table as [
      number,
      number,
      number,
      number,
    ][]) {
      expect(await act('calculate_spawn', { queue_depth, active_workers, max_workers })).toMatchObject({
        workers_to_spawn: spawn,
        spawn_list: Array.from({ length: spawn }, (_, i) => i),
      });
    }
  });

  it('case 82: the reaper declares a stale worker lost and puts its item back; one that beats in between it leaves alone', async () => {
    const started_at = new Date().toISOString();
    for (const worker_id of ['dead', 'slow'])
      await set.registration.register({ worker_id, started_at, heartbeat_interval: 0.05 });
    const id = await pool.push('x');
    await pool.claim('dead');
    await sleep(150);
    const workers = (await act('list_stale_workers', {})) as JsonObject;
    expect(workers).toMatchObject({ stale_count: 2 });
    await set.registration.heartbeat('slow');
    expect(
      await act('reap_stale_workers', { workers: workers.workers as JsonObject[], pool_id: 'p' }),
    ).toEqual({
      reaped_workers: ['dead'],
      reaped_count: 1,
      total_jobs_released: 1,
    });
    expect(await set.registration.get('dead')).toMatchObject({ status: 'lost' });
    expect(await set.registration.get('slow')).toMatchObject({ status: 'active' });
    expect(await pool.item(id)).toMatchObject({ status: 'pending' });
  });

  it('case 83: a worker with a job longer than the threshold is not stale: it beats by itself', async () => {
    const machine: JsonObject = {
      hooks: { name: 'distributed-worker', args: { heartbeat_interval: 0.05, lease: 0.2 } },
      machines: { job: child({ hooks: 'test', ...oneState({ action: 'sleep' }) }) },
      context: { worker_id: 'w', pool_id: 'p', out: null },
      states: {
        register: { type: 'initial', action: 'register_worker', transitions: [{ to: 'claim' }] },
        claim: { action: 'claim_job', transitions: [{ to: 'work' }] },
        work: { machine: 'job', transitions: [{ to: 'complete' }] },
        complete: { action: 'complete_job', transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    };
    await pool.push('x');
    let stale: unknown[] = [];
    const hooks = {
      onAction: async () => {
        await sleep(500);
        stale = await set.registration.list({ stale_threshold_seconds: 0.2 });
      },
    };
    expect(await run(machine, {}, hooks, { backend: set })).toMatchObject({ status: 'completed' });
    expect(stale).toEqual([]);
    expect(await pool.counts()).toMatchObject({ done: 1 });
  });

  it('case 84: a claim without a worker is an error; no work is none', async () => {
    expect(await act('claim_job', { pool_id: 'p' })).toBe('UsageError');
    expect(await act('claim_job', { pool_id: 'p', worker_id: 'w' })).toMatchObject({
      job: null,
      job_id: null,
    });
  });
});
