import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';

useWorkers();

let directory = '';
let url = '';
const sets: BackendSet[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-processes-'));
  url = `sqlite:${join(directory, 'store.db')}`;
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(directory, { recursive: true });
});

async function open(): Promise<BackendSet> {
  const set = await openBackends(url);
  sets.push(set);
  return set;
}

function startWorkers(count: number) {
  return Promise.all(Array.from({ length: count }, () => startWorker(url)));
}

it('8 processes race for a lease: one holds it', async () => {
  const workers = await startWorkers(8);
  for (const round of ['a', 'b', 'c', 'd', 'e']) {
    const answers = await Promise.all(workers.map((worker) => worker.call('locking', 'acquire', round)));
    expect(answers.filter(Boolean)).toHaveLength(1);
  }
});

it('the lease of a killed process is free at once', async () => {
  const worker = await startWorker(url);
  expect(await worker.call('locking', 'acquire', 'job')).toBe(true);
  const token = ((await worker.call('worker', 'lease', 'job')) as { token: number }).token;
  const set = await open();
  expect(await set.locking.acquire('job')).toBe(false);
  expect((await set.locking.holder('job'))?.owner).toContain(`${worker.pid}@`);
  await worker.kill('SIGKILL');
  expect((await set.locking.holder('job'))?.expires_in).toBe(0);
  expect((await acquired(set, 'job')).token).toBeGreaterThan(token);
});

it('a live process keeps its lease for as long as it beats', async () => {
  const worker = await startWorker(url, { heartbeatInterval: 0.1 });
  await worker.call('locking', 'acquire', 'job');
  const set = await open();
  for (let i = 0; i < 10; i++) {
    await sleep(60);
    expect(await set.locking.acquire('job')).toBe(false);
  }
});

it('a process that was stopped for longer than its lease lost it, knows it, and cannot write', async () => {
  const worker = await startWorker(url, { heartbeatInterval: 0.2 });
  await worker.call('locking', 'acquire', 'job');
  const fence = await worker.call('worker', 'lease', 'job');
  await worker.call('persistence', 'save', stepKey('job', 0), snapshotOf('job', 0), { fence });
  const lost = worker.call('worker', 'whenLost', 'job');
  // Calls begin in order: once this one is answered, the other waits.
  await worker.call('locking', 'holder', 'job');
  const set = await open();
  await worker.kill('SIGSTOP');
  expect(await set.locking.acquire('job')).toBe(false);
  await sleep(450);
  const mine = await acquired(set, 'job');
  const late = worker.call('persistence', 'save', stepKey('job', 1), snapshotOf('job', 1), { fence });
  await worker.kill('SIGCONT');
  await expect(late).rejects.toThrow('lease-lost');
  expect(await lost).toBe('lease-lost');
  expect(await worker.call('worker', 'lease', 'job')).toBe(null);
  await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: mine });
  // Its release must not take what is another's.
  await worker.call('locking', 'release', 'job');
  expect(set.locking.lease('job')?.token).toBe(mine.token);
  expect((await set.locking.holder('job'))?.token).toBe(mine.token);
});

it('what was acknowledged before a kill -9 is there, whole', async () => {
  for (let round = 0; round < 10; round++) {
    const id = `job-${round}`;
    const worker = await startWorker(url);
    worker.call('worker', 'saveForEver', id, 20_000).catch(() => {});
    while (worker.acknowledged.length === 0) await sleep(2);
    await sleep(round * 7);
    await worker.kill('SIGKILL');
    const set = await open();
    const stored = (await set.persistence.history(id)).map((record) => record.snapshot);
    expect(worker.acknowledged.length).toBeGreaterThan(0);
    expect(stored.length).toBeGreaterThanOrEqual(worker.acknowledged.length);
    expect(stored.map((snapshot) => snapshot.step)).toEqual(stored.map((_, step) => step));
    for (const { step, context } of stored) {
      expect(context.text === String(step % 10).repeat(20_000), `step ${step} is whole`).toBe(true);
    }
  }
});

it('8 processes write one execution: each step once, and each loser is told', async () => {
  const workers = await startWorkers(8);
  const refused = await Promise.all(workers.map((worker) => worker.call('worker', 'saveMany', 'job', 40)));
  expect(refused.reduce<number>((sum, n) => sum + Number(n), 0)).toBe(7 * 40);
  const set = await open();
  expect(await set.persistence.list('job/')).toHaveLength(40);
});

it('8 processes write at full speed without ever being told that the store is busy', async () => {
  const workers = await startWorkers(8);
  const refused = await Promise.all(
    workers.map((worker, n) => worker.call('worker', 'saveMany', `job-${n}`, 250)),
  );
  expect(refused).toEqual(workers.map(() => 0));
  const set = await open();
  expect(await set.persistence.list('')).toHaveLength(8 * 250);
});

it('8 processes share 4 slots: never two holders, and none starves', async () => {
  const set = await open();
  const fence = await acquired(set, 'pool');
  const environment = {
    environment_id: 'e',
    pool: 'p',
    runner: 'local',
    state: 'ready',
    address: '',
    owner: 'pool',
  } as const;
  await set.slots.addEnvironment({ ...environment, spec: {}, created_at: new Date().toISOString() }, fence);
  const slot = {
    alloc_id: 'e',
    container_addr: '',
    workspace_dir: '/',
    state: 'available',
    pool: 'p',
    token: 0,
  } as const;
  await set.slots.addSlots(
    [0, 1, 2, 3].map((n) => ({ ...slot, slot_id: `s${n}`, trajectory_id: null, metadata: {} })),
  );
  const workers = await startWorkers(8);
  const had = await Promise.all(
    workers.map((worker, n) => worker.call('worker', 'churnSlots', 'p', `t${n}`, 1500)),
  );
  for (const times of had) expect(times).toBeGreaterThan(0);
  const slots = await set.slots.slots();
  expect(slots.map((one) => one.state)).toEqual(['available', 'available', 'available', 'available']);
  // Each round is one acquisition and one reset: nothing was handed out that is not accounted for.
  const rounds = had.reduce<number>((sum, n) => sum + Number(n), 0);
  expect(slots.reduce((sum, one) => sum + one.token, 0)).toBe(2 * rounds);
});

it('of 8 processes at once 4 get a slot each', async () => {
  const set = await open();
  const fence = await acquired(set, 'pool');
  await set.slots.addEnvironment(
    {
      environment_id: 'e',
      pool: 'p',
      runner: 'r',
      state: 'ready',
      address: '',
      owner: 'o',
      spec: {},
      created_at: '2026',
    },
    fence,
  );
  await set.slots.addSlots(
    [0, 1, 2, 3].map((n) => ({
      slot_id: `s${n}`,
      alloc_id: 'e',
      container_addr: '',
      workspace_dir: '/',
      state: 'available' as const,
      trajectory_id: null,
      metadata: {},
      pool: 'p',
      token: 0,
    })),
  );
  const workers = await startWorkers(8);
  const taken = (await Promise.all(
    workers.map((worker, n) => worker.call('slots', 'acquireSlot', 'p', `t${n}`, fence)),
  )) as ({ slot_id: string } | null)[];
  expect(taken.filter(Boolean)).toHaveLength(4);
  expect(new Set(taken.filter(Boolean).map((slot) => slot?.slot_id)).size).toBe(4);
});

it('a result wakes a reader in another process', async () => {
  const worker = await startWorker(url);
  const set = await open();
  const reader = worker.call('results', 'read', 'flatagents://job/result', { block: true, timeout: 10_000 });
  await sleep(200);
  const written = performance.now();
  await set.results.write('flatagents://other/result', 0);
  await set.results.write('flatagents://job/result', { ok: 1 });
  expect(await reader).toEqual({ ok: 1 });
  expect(performance.now() - written).toBeLessThan(500);
});
