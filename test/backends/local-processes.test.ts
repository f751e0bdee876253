import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet, Fence } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { startWorker, useWorkers, type Worker } from './spawn-worker.ts';

useWorkers();

let directory = '';
let url = '';
let warnings: string[] = [];
const sets: BackendSet[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-processes-'));
  url = `local:${directory}`;
  warnings = [];
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(directory, { recursive: true });
});

async function open(): Promise<BackendSet> {
  const set = await openBackends(url, { onWarning: (message) => warnings.push(message) });
  sets.push(set);
  return set;
}

function startWorkers(count: number): Promise<Worker[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(url)));
}

it('what was acknowledged before a kill -9 is there, what is there is whole, and the next one goes on', async () => {
  for (let round = 0; round < 6; round++) {
    const id = `job-${round}`;
    const worker = await startWorker(url, { durability: round % 2 === 0 ? 'power-loss' : 'process-crash' });
    worker.call('worker', 'saveForEver', id, 50_000).catch(() => {});
    while (worker.acknowledged.length === 0) await sleep(1);
    await sleep(Math.random() * 40);
    await worker.kill('SIGKILL');
    const set = await open();
    const stored = (await set.persistence.history(id)).map((record) => record.snapshot);
    expect(stored.length).toBeGreaterThanOrEqual(worker.acknowledged.length);
    expect(stored.map((snapshot) => snapshot.step)).toEqual(stored.map((_, step) => step));
    for (const { step, context } of stored) {
      expect(context.text === String(step % 10).repeat(50_000), `step ${step} is whole`).toBe(true);
    }
    expect(await set.persistence.latest(id)).toEqual(stored.at(-1));
    const summary = (await set.persistence.executions()).find((one) => one.execution_id === id);
    expect(summary?.step).toBe(stored.length - 1);
    await set.persistence.save(stepKey(id, stored.length), snapshotOf(id, stored.length));
    expect((await set.persistence.latest(id))?.step).toBe(stored.length);
  }
  expect(warnings).toEqual([]);
});

it('journal entries acknowledged before a kill -9 are there, and their order is that of the calls', async () => {
  const set = await open();
  const size = 100_000;
  for (let round = 0; round < 4; round++) {
    const [worker] = (await startWorkers(1)) as [Worker];
    const before = (await set.journal.entries('job', 1)).size;
    const acknowledged: number[] = [];
    for (let n = before; n < before + 300; n++) {
      const value = String(n % 10).repeat(size);
      worker.call('journal', 'append', 'job', 1, `k${n}`, value, null).then(
        () => acknowledged.push(n),
        () => {},
      );
    }
    while (acknowledged.length === 0) await sleep(1);
    await sleep(Math.random() * 30);
    await worker.kill('SIGKILL');
    const entries = [...(await set.journal.entries('job', 1))];
    expect(entries.length).toBeGreaterThan(acknowledged.at(-1) as number);
    for (const [n, [key, value]] of entries.entries()) {
      expect(key).toBe(`k${n}`);
      expect(value === String(n % 10).repeat(size), `entry ${n} is whole`).toBe(true);
    }
  }
});

it('8 processes race for a lease, again and again, and for one that a dead process held: one holds it', async () => {
  const workers = await startWorkers(8);
  let last = 0;
  for (let round = 0; round < 12; round++) {
    const answers = await Promise.all(workers.map((worker) => worker.call('locking', 'acquire', 'job')));
    const holders = workers.filter((_, n) => answers[n]);
    expect(holders).toHaveLength(1);
    const [holder] = holders as [Worker];
    const { token } = (await holder.call('worker', 'lease', 'job')) as Fence;
    expect(token).toBeGreaterThan(last);
    last = token;
    if (round % 3 < 2 || workers.length === 2) {
      await holder.call('locking', 'release', 'job');
    } else {
      await holder.kill('SIGKILL');
      workers.splice(workers.indexOf(holder), 1);
    }
  }
});

it('8 processes write one execution: each step once, and each loser is told', async () => {
  const workers = await startWorkers(8);
  const refused = await Promise.all(workers.map((worker) => worker.call('worker', 'saveMany', 'job', 25)));
  expect(refused.reduce<number>((sum, n) => sum + Number(n), 0)).toBe(7 * 25);
  const set = await open();
  expect(await set.persistence.list('job/')).toHaveLength(25);
  expect((await set.persistence.latest('job'))?.step).toBe(24);
});

it('8 processes write one journal: each key once, and each loser is told', async () => {
  const workers = await startWorkers(8);
  const outcomes = await Promise.allSettled(
    workers.flatMap((worker, w) =>
      Array.from({ length: 20 }, (_, n) => worker.call('journal', 'append', 'job', 1, `k${n}`, w, null)),
    ),
  );
  const won = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
  expect(won).toHaveLength(20);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of refused) expect((reason as Error).message).toBe('step-conflict');
  const entries = await (await open()).journal.entries('job', 1);
  expect(Object.fromEntries(entries)).toEqual(
    Object.fromEntries(won.map((i) => [`k${i % 20}`, Math.floor(i / 20)])),
  );
});

it('a process that was stopped for longer than its lease lost it, knows it, and cannot write', async () => {
  const worker = await startWorker(url, { heartbeatInterval: 0.2 });
  await worker.call('locking', 'acquire', 'job');
  const fence = await worker.call('worker', 'lease', 'job');
  await worker.call('persistence', 'save', stepKey('job', 0), snapshotOf('job', 0), { fence });
  const lost = worker.call('worker', 'whenLost', 'job');
  await worker.call('locking', 'holder', 'job');
  const set = await open();
  await worker.kill('SIGSTOP');
  expect(await set.locking.acquire('job')).toBe(false);
  await sleep(450);
  const mine = await acquired(set, 'job');
  const late = worker.call('persistence', 'save', stepKey('job', 1), snapshotOf('job', 1), { fence });
  const entry = worker.call('journal', 'append', 'job', 1, 'k', 1, fence);
  await worker.kill('SIGCONT');
  await expect(late).rejects.toThrow('lease-lost');
  await expect(entry).rejects.toThrow('lease-lost');
  expect(await lost).toBe('lease-lost');
  await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: mine });
  await worker.call('locking', 'release', 'job');
  expect((await set.locking.holder('job'))?.token).toBe(mine.token);
});

it('results wake readers in another process, at once, and only those whose they are', async () => {
  const [worker] = (await startWorkers(1)) as [Worker];
  const set = await open();
  const read = (id: string) =>
    worker.call('results', 'read', `flatagents://${id}/result`, { block: true, timeout: 10_000 });
  const readers = Array.from({ length: 50 }, (_, n) => read(`job-${n}`));
  await worker.call('locking', 'holder', 'none');
  const written = performance.now();
  await Promise.all(readers.map((_, n) => set.results.write(`flatagents://job-${n}/result`, { n })));
  expect(await Promise.all(readers)).toEqual(readers.map((_, n) => ({ n })));
  const again = worker.call('results', 'read', 'flatagents://job-0/more', { block: true, timeout: 10_000 });
  await worker.call('locking', 'holder', 'none');
  await set.results.write('flatagents://job-0/more', 1);
  expect(await again).toBe(1);
  // Without the bell it would be the look of every 5 seconds.
  expect(performance.now() - written).toBeLessThan(4000);
});
