import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import type { TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';
import { startWorker, useWorkers, type Worker } from './spawn-worker.ts';
import type { Taken } from './worker.ts';

let server: TestServer;
const sets: BackendSet[] = [];

async function open(): Promise<BackendSet> {
  const set = await openBackends(server.url);
  sets.push(set);
  return set;
}

/** Kills the server `times` times while `work` goes on, and starts it again each time. */
async function underServerKills(times: number, work: Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) {
    await sleep(250);
    await server.stop('SIGKILL');
    await sleep(50);
    await server.start();
  }
  await work;
}

describeWith('redis', 'redis, killed', redisAvailability(), () => {
  useWorkers();
  beforeEach(async () => {
    server = await startRedis('always');
  });
  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
    await server.dispose();
  });

  it('steps of four processes: what was acknowledged is there, without a gap, and nobody is refused', async () => {
    const workers = await Promise.all(Array.from({ length: 4 }, () => startWorker(server.url)));
    const failures: string[] = [];
    for (const [n, worker] of workers.entries()) {
      worker
        .call('worker', 'saveForEver', `job-${n}`, 1000)
        .catch((error: Error) => failures.push(error.message));
    }
    await underServerKills(3, Promise.resolve());
    await sleep(200);
    const before = workers.map((worker) => worker.acknowledged.length);
    await sleep(300);
    expect(failures).toEqual([]);
    for (const [n, worker] of workers.entries()) {
      expect(worker.acknowledged.length, 'it goes on').toBeGreaterThan(before[n] as number);
    }
    await Promise.all(workers.map((worker) => worker.kill('SIGKILL')));
    const set = await open();
    for (const [n, worker] of workers.entries()) {
      const steps = (await set.persistence.list(`job-${n}/`)).map((key) => Number(key.slice(-6)));
      const newest = steps.at(-1) as number;
      expect(newest).toBeGreaterThanOrEqual(worker.acknowledged.at(-1) as number);
      expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => newest - steps.length + 1 + i));
      expect((await set.persistence.latest(`job-${n}`))?.step).toBe(newest);
    }
  });

  it('signals between four processes: each arrives once, in order', async () => {
    const channels = Array.from({ length: 10 }, (_, n) => `channel-${n}`);
    const workers = await Promise.all(Array.from({ length: 4 }, () => startWorker(server.url)));
    const [consumers, senders] = [workers.slice(0, 2), workers.slice(2)];
    const consumed = Promise.all(
      consumers.map((worker, i) =>
        worker.call(
          'worker',
          'consume',
          channels.filter((_, n) => n % 2 === i),
          60,
        ),
      ),
    ) as Promise<Taken[][]>;
    const sent = senders.map((worker, i) => worker.call('worker', 'sendMany', channels, `sender ${i}`, 30));
    await underServerKills(2, Promise.all(sent));
    const taken = (await consumed).flat();
    const set = await open();
    for (const channel of channels) {
      const own = taken.filter((one) => one.channel === channel);
      expect(own.map(({ signal_id }) => signal_id)).toEqual(own.map(({ signal_id }) => signal_id).sort());
      for (const sender of [0, 1]) {
        const from = own
          .map(({ data }) => String(data))
          .filter((data) => data.startsWith(`sender ${sender}`));
        expect(from).toEqual(Array.from({ length: 30 }, (_, n) => `sender ${sender} ${n}`));
      }
    }
    expect(await set.signals.queued()).toEqual([]);
  });

  it('journals of four processes: every entry once, in order', async () => {
    const workers = await Promise.all(Array.from({ length: 4 }, () => startWorker(server.url)));
    const work = workers.map(async (worker, n) => {
      for (let i = 0; i < 150; i++) await worker.call('journal', 'append', `job-${n}`, 1, `k${i}`, i, null);
    });
    await underServerKills(2, Promise.all(work));
    const set = await open();
    for (const n of workers.keys()) {
      const entries = await set.journal.entries(`job-${n}`, 1);
      expect([...entries.values()]).toEqual(Array.from({ length: 150 }, (_, i) => i));
    }
  });

  it('8 processes race for a lease: one holds it; once it is killed, its lease is free at once', async () => {
    const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(server.url)));
    const answers = await Promise.all(workers.map((worker) => worker.call('locking', 'acquire', 'job')));
    expect(answers.filter(Boolean)).toHaveLength(1);
    const holder = workers[answers.indexOf(true)] as Worker;
    const { token } = (await holder.call('worker', 'lease', 'job')) as { token: number };
    const set = await open();
    await set.signals.wait({ executionId: 'job', work: 1, for: { channel: 'c' }, deadline: 1, fence: null });
    expect(await set.locking.acquire('job')).toBe(false);
    expect(await set.signals.ready(2, 10)).toEqual([]);
    await holder.kill('SIGKILL');
    expect(await set.signals.ready(2, 10)).toHaveLength(1);
    expect((await set.locking.holder('job'))?.expires_in).toBe(0);
    expect((await acquired(set, 'job')).token).toBeGreaterThan(token);
  });

  it('a process that was stopped for longer than its lease lost it, knows it, and cannot write', async () => {
    const worker = await startWorker(server.url, { heartbeatInterval: 0.2 });
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
    await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: mine });
    await worker.kill('SIGCONT');
    expect(await lost).toBe('lease-lost');
    for (const step of [1, 2]) {
      const zombie = worker.call('persistence', 'save', stepKey('job', step), snapshotOf('job', step), {
        fence,
      });
      await expect(zombie).rejects.toThrow('lease-lost');
    }
    await expect(worker.call('journal', 'append', 'job', 1, 'k', 1, fence)).rejects.toThrow('lease-lost');
    expect(await set.persistence.list('job/')).toEqual([stepKey('job', 0), stepKey('job', 1)]);
  });

  it('a lease is kept by its heartbeats, across a restart of the server', async () => {
    const worker = await startWorker(server.url, { heartbeatInterval: 0.5 });
    await worker.call('locking', 'acquire', 'job');
    const fence = await worker.call('worker', 'lease', 'job');
    await underServerKills(1, Promise.resolve());
    const set = await open();
    for (let i = 0; i < 6; i++) {
      await sleep(250);
      expect(await set.locking.acquire('job')).toBe(false);
    }
    await worker.call('persistence', 'save', stepKey('job', 0), snapshotOf('job', 0), { fence });
  });
});
