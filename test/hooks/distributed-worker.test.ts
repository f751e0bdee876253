import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet, WorkPool } from '../../src/backends/interfaces.ts';
import type { ActionCall, HookEnvironment, MachineHooks } from '../../src/execution/interfaces.ts';
import { distributedWorkerHooks } from '../../src/hooks/distributed-worker.ts';
import { WORKER_ACTIONS } from '../../src/hooks/distributed-worker-actions.ts';
import type { JsonObject } from '../../src/types.ts';
import { memory } from '../helpers/machine.ts';
import { hookEnvironment } from './environment.ts';

let backends: BackendSet;
let pool: WorkPool;
let made: MachineHooks[];
let emitted: Awaited<ReturnType<typeof hookEnvironment>>['emitted'];

beforeEach(async () => {
  backends = await memory();
  pool = backends.work.pool('p');
  made = [];
});
afterEach(async () => {
  for (const hooks of made) await hooks.close?.();
  await backends.close();
});

async function hooksWith(args: JsonObject = {}, over: Partial<HookEnvironment> = {}): Promise<MachineHooks> {
  const given = await hookEnvironment({ backends, ...over });
  emitted = given.emitted;
  const hooks = await distributedWorkerHooks(args, given.environment);
  made.push(hooks);
  return hooks;
}

/** Does an action as the engine would, and gives the context after it. */
async function act(
  hooks: MachineHooks,
  action: string,
  context: JsonObject = {},
  { input = {}, workId = `e-1.${Math.random()}` }: { input?: JsonObject; workId?: string } = {},
): Promise<JsonObject> {
  const call = { action, input, workId, signal: new AbortController().signal } as unknown as ActionCall;
  const result = (await hooks.onAction?.(action, context, call)) as { context: JsonObject };
  return result.context;
}

const job = { worker_id: 'w', pool_id: 'p' };

describe('distributed-worker', () => {
  it('handles what it says, and refuses arguments that do not exist or are out of range', async () => {
    expect((await hooksWith()).actions).toEqual(WORKER_ACTIONS);
    for (const args of [{ leases: 1 }, { lease: 0 }, { heartbeat_interval: 'x' }, { worker: 1 }]) {
      await expect(hooksWith(args as JsonObject)).rejects.toMatchObject({ code: 'hook-load' });
    }
  });

  it('claims the same item again for the same piece of work, another for another', async () => {
    await pool.pushMany([{ data: 'a' }, { data: 'b' }]);
    const first = await act(await hooksWith(), 'claim_job', job, { workId: 'e-1.2' });
    const again = await act(await hooksWith(), 'claim_job', job, { workId: 'e-1.2' });
    expect(again).toEqual(first);
    expect(first).toMatchObject({ job: 'a', job_id: expect.any(String), claim_token: expect.any(String) });
    expect(await act(await hooksWith(), 'claim_job', job, { workId: 'e-1.5' })).toMatchObject({ job: 'b' });
    expect(await act(await hooksWith(), 'claim_job', job)).toMatchObject({
      job: null,
      job_id: null,
      claim_token: null,
    });
  });

  it('has a claim that holds when the one of the same piece of work has run out meanwhile', async () => {
    await pool.push('a');
    const hooks = await hooksWith({ lease: 0.05 });
    const first = await act(hooks, 'claim_job', job, { workId: 'e-1.2' });
    await hooks.close?.();
    await sleep(100);
    const again = await act(await hooksWith(), 'claim_job', job, { workId: 'e-1.2' });
    expect(again.job).toBe('a');
    expect(first.job).toBe('a');
    expect(await pool.items()).toMatchObject([{ attempts: 2, status: 'claimed' }]);
    await act(await hooksWith(), 'complete_job', again);
  });

  it('completes and fails with the token of the context, in any process; a stale one is refused', async () => {
    await pool.pushMany([{ data: 'a' }, { data: 'b' }]);
    const one = await act(await hooksWith(), 'claim_job', job);
    expect(await act(await hooksWith(), 'complete_job', { ...one, result: { ok: 1 } })).toMatchObject({
      claim_token: null,
    });
    const two = await act(await hooksWith(), 'claim_job', job);
    await act(await hooksWith(), 'fail_job', { ...two, last_error: 'broken' });
    expect((await pool.items()).map(({ status, result, error }) => [status, result, error])).toEqual([
      ['done', { ok: 1 }, null],
      ['pending', null, 'broken'],
    ]);
    const stale = { ...two, claim_token: 'old' };
    await expect(act(await hooksWith(), 'complete_job', stale)).rejects.toMatchObject({ code: 'lease-lost' });
    await expect(act(await hooksWith(), 'complete_job', job)).rejects.toMatchObject({ code: 'usage' });
  });

  it('keeps claims and registration alive, and takes up in another process what the context says', async () => {
    await pool.push('a');
    const args = { lease: 0.15, heartbeat_interval: 0.05 };
    const first = await hooksWith(args);
    let context = await act(first, 'register_worker', job);
    context = await act(first, 'claim_job', context);
    await sleep(300);
    expect(await backends.registration.list({ stale_threshold_seconds: true })).toEqual([]);
    await first.close?.();
    const second = await hooksWith(args);
    await second.onStateEnter?.('work', context);
    await sleep(300);
    expect(await backends.registration.list({ stale_threshold_seconds: true })).toEqual([]);
    await act(second, 'complete_job', context);
    expect(await pool.counts()).toMatchObject({ done: 1 });
    expect(await act(second, 'deregister_worker', context)).toMatchObject({ status: 'terminated' });
    expect(emitted).toEqual([]);
  });

  it('says once that a claim is lost', async () => {
    await pool.push('a');
    const hooks = await hooksWith({ lease: 0.06 });
    const context = await act(hooks, 'claim_job', job);
    await pool.releaseByWorker('w');
    for (let n = 0; n < 4; n++) {
      await hooks.onStateEnter?.('work', context);
      await sleep(50);
    }
    expect(emitted).toMatchObject([
      { type: 'log', level: 'warn', message: expect.stringMatching(/claim .* lost/) },
    ]);
  });

  it('gives back what an execution that has ended still holds, the attempt counted', async () => {
    await pool.push('a');
    const hooks = await hooksWith();
    await act(hooks, 'claim_job', await act(hooks, 'register_worker', job));
    await hooks.onExecutionEnd?.('e-1', 'failed');
    expect(await pool.items()).toMatchObject([
      { status: 'pending', attempts: 1, error: 'its worker has ended: failed' },
    ]);
    expect(await backends.registration.get('w')).toMatchObject({ status: 'terminated' });
  });

  it('counts who works for a pool: those of others, the stale and the ended not, those that start do', async () => {
    const { registration } = backends;
    const started_at = new Date().toISOString();
    for (const [worker_id, pool_id] of [
      ['a', 'p'],
      ['b', 'p'],
      ['c', 'p'],
      ['d', 'q'],
    ] as const)
      await registration.register({ worker_id, pool_id, started_at });
    await registration.register({ worker_id: 'e', pool_id: 'p', started_at, heartbeat_interval: 0.01 });
    await registration.updateStatus('b', 'starting');
    await registration.updateStatus('c', 'terminated');
    await pool.pushMany([{ data: 1 }, { data: 2 }]);
    await sleep(50);
    expect(await act(await hooksWith(), 'get_pool_state', { pool_id: 'p' })).toMatchObject({
      queue_depth: 2,
      active_workers: 2,
    });
  });

  it('reaps in every pool, takes the list under either name and a threshold that a template made a text, and does it again after a crash', async () => {
    const started_at = new Date().toISOString();
    await backends.registration.register({ worker_id: 'w', started_at });
    const other = backends.work.pool('other');
    await pool.push(1);
    await other.push(2);
    await pool.claim('w');
    await other.claim('w');
    await sleep(60);
    const hooks = await hooksWith();
    const listed = await act(hooks, 'list_stale_workers', { stale_threshold_seconds: '0.05' });
    expect(listed).toMatchObject({ stale_count: 1, workers: [{ worker_id: 'w', host: null }] });
    const reaped = { reaped_workers: ['w'], reaped_count: 1, total_jobs_released: 2 };
    expect(await act(hooks, 'reap_stale_workers', listed)).toMatchObject(reaped);
    expect(await act(hooks, 'reap_stale_workers', { stale_workers: ['w'] })).toMatchObject({
      ...reaped,
      total_jobs_released: 0,
    });
    expect(await act(hooks, 'reap_worker', { worker: { worker_id: 'nobody' } })).toMatchObject({
      reaped_worker_id: null,
      jobs_released: 0,
    });
    await expect(act(hooks, 'reap_worker', {})).rejects.toMatchObject({ code: 'usage' });
  });

  it('starts nothing where no other process can share the store, or what to start is not there', async () => {
    const hooks = await hooksWith({ worker: 'w.yml' }, { machineDir: '/nowhere' });
    await expect(act(hooks, 'spawn_workers', { workers_to_spawn: 1 })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    await expect(act(await hooksWith(), 'spawn_workers', { workers_to_spawn: 1 })).rejects.toMatchObject({
      code: 'usage',
    });
    const here = { workers_to_spawn: 1, worker_config_path: '/dev/null' };
    await expect(act(hooks, 'spawn_workers', here)).rejects.toMatchObject({ code: 'usage' });
    expect(await act(hooks, 'spawn_workers', { workers_to_spawn: 0 })).toMatchObject({
      spawned_ids: [],
      spawned_count: 0,
    });
    expect(await backends.registration.list()).toEqual([]);
  });
});
