import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { startBreakingProxy } from '../helpers/servers/breaking-proxy.ts';
import { postgresAvailability, startPostgres } from '../helpers/servers/postgres.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';
import { startWorker, useWorkers, type Worker } from './spawn-worker.ts';
import type { Taken } from './worker.ts';

const CHANNELS = Array.from({ length: 10 }, (_, n) => `channel-${n}`);
const SENDERS = 2;
const PER_SENDER = 15;
const STEPS = 60;
const EXECUTIONS = [0, 1, 2, 3];

let storms = 0;

/** Ends connections of one application at random points for as long as `work` goes on. */
async function underTermination<T>(application: string, work: Promise<T>): Promise<T> {
  const admin = new pg.Client(serverUrl('postgres'));
  await admin.connect();
  let over = false;
  let ended = 0;
  const storm = async () => {
    while (!over) {
      const { rowCount } = await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND random() < 0.6',
        [application],
      );
      ended += rowCount ?? 0;
      await sleep(5 + Math.random() * 60);
    }
  };
  const storming = storm();
  try {
    return await work;
  } finally {
    over = true;
    await storming;
    await admin.end();
    expect(ended).toBeGreaterThan(20);
  }
}

/** What one process does at once; every answer is checked. */
async function useEverything(set: BackendSet, name: string): Promise<void> {
  const journal = async () => {
    const fence = await acquired(set, `${name}-journal`);
    for (let n = 0; n < STEPS; n += 3) {
      await Promise.all(
        [0, 1, 2].map((i) => set.journal.append(`${name}-journal`, 1, `k${n + i}`, n + i, fence)),
      );
    }
    const entries = await set.journal.entries(`${name}-journal`, 1);
    expect([...entries.keys()]).toEqual(Array.from({ length: STEPS }, (_, n) => `k${n}`));
  };
  const steps = async (id: string) => {
    const fence = await acquired(set, id);
    for (let step = 0; step < STEPS; step++) {
      await set.persistence.save(stepKey(id, step), snapshotOf(id, step), { fence });
    }
    expect((await set.persistence.history(id)).map(({ snapshot }) => snapshot.step)).toEqual(
      Array.from({ length: STEPS }, (_, step) => step),
    );
    await set.locking.release(id);
  };
  const locks = async () => {
    let last = 0;
    for (let round = 0; round < 20; round++) {
      const { token } = await acquired(set, `${name}-lock`);
      expect(token).toBeGreaterThan(last);
      last = token;
      await set.locking.release(`${name}-lock`);
    }
  };
  await Promise.all([journal(), locks(), ...EXECUTIONS.map((n) => steps(`${name}-${n}`))]);
}

/** Sends and takes signals in several processes; each has to arrive once, and those of one sender in order. */
async function exchangeSignals(workers: readonly Worker[]): Promise<void> {
  const [consumer, ...senders] = workers as [Worker, ...Worker[]];
  const consuming = consumer.call('worker', 'consume', CHANNELS, SENDERS * PER_SENDER);
  await Promise.all(senders.map((worker, i) => worker.call('worker', 'sendMany', CHANNELS, i, PER_SENDER)));
  const taken = (await consuming) as Taken[];
  for (const channel of CHANNELS) {
    const own = taken.filter((one) => one.channel === channel);
    expect(own.map(({ signal_id }) => signal_id)).toEqual(own.map(({ signal_id }) => signal_id).sort());
    for (let sender = 0; sender < SENDERS; sender++) {
      const texts = own.map(({ data }) => String(data)).filter((text) => text.startsWith(`${sender} `));
      expect(texts).toEqual(Array.from({ length: PER_SENDER }, (_, n) => `${sender} ${n}`));
    }
  }
}

describeWith('postgres', 'postgres, whose connections are ended', serverAvailability('postgres'), () => {
  useWorkers();

  it('loses, doubles and refuses nothing that several processes do meanwhile', async () => {
    const application = `storm-${process.pid}-${storms++}`;
    const url = `${emptyStoreUrl('postgres')}&application_name=${application}`;
    const set = await openBackends(url);
    const workers = await Promise.all(Array.from({ length: SENDERS + 1 }, () => startWorker(url)));
    await underTermination(application, Promise.all([useEverything(set, 'own'), exchangeSignals(workers)]));
    expect(await set.signals.queued()).toEqual([]);
    expect(await set.signals.waits()).toEqual([]);
    await set.close();
  }, 60_000);

  it('nor when answers are lost, so that nobody knows what was done', async () => {
    const url = emptyStoreUrl('postgres');
    const port = new URL(url).port;
    const proxy = await startBreakingProxy(Number(port));
    const through = url.replace(`:${port}`, `:${proxy.port}`);
    const set = await openBackends(through);
    const workers = await Promise.all(Array.from({ length: SENDERS + 1 }, () => startWorker(through)));
    proxy.lose(0.1);
    await Promise.all([useEverything(set, 'own'), exchangeSignals(workers)]);
    expect(proxy.broken()).toBeGreaterThan(10);
    proxy.lose(0);
    expect(await set.signals.queued()).toEqual([]);
    expect(await set.signals.waits()).toEqual([]);
    await set.close();
    await proxy.close();
  }, 60_000);

  it('wakes who watches all the same', async () => {
    const application = `watch-${process.pid}-${storms++}`;
    const url = emptyStoreUrl('postgres');
    const set = await openBackends(`${url}&application_name=${application}`);
    const other = await openBackends(url);
    let calls = 0;
    set.signals.watch(() => calls++);
    const wait = { executionId: 'job', work: 1, deadline: null, fence: null, for: { channel: 'c' } };
    await set.signals.wait(wait);
    await expect.poll(() => calls).toBeGreaterThan(1);
    const admin = new pg.Client(serverUrl('postgres'));
    await admin.connect();
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      application,
    ]);
    await admin.end();
    calls = 0;
    await other.signals.send('c', 1);
    await expect.poll(() => calls, { timeout: 5000 }).toBeGreaterThan(0);
    expect(await set.signals.ready(0, 10)).toHaveLength(1);
    await Promise.all([set.close(), other.close()]);
  });
});

describeWith('postgres', 'postgres, killed and started again', postgresAvailability(), () => {
  useWorkers();

  it('has everything that was acknowledged, and lets writers go on', async () => {
    const server = await startPostgres();
    try {
      const set = await openBackends(server.url);
      const worker = await startWorker(server.url);
      worker.call('worker', 'saveForEver', 'other', 2000).catch(() => {});
      const work = useEverything(set, 'own');
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await sleep(300);
        await server.stop(signal);
        await sleep(200);
        await server.start();
      }
      await work;
      const before = worker.acknowledged.length;
      await expect.poll(() => worker.acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(before + 5);
      await worker.kill('SIGKILL');
      const stored = (await set.persistence.history('other')).map(({ snapshot }) => snapshot.step);
      expect(stored.at(-1)).toBeGreaterThanOrEqual(worker.acknowledged.at(-1) as number);
      expect(stored).toEqual(stored.map((_, n) => (stored[0] as number) + n));
      await set.close();
    } finally {
      await server.dispose();
    }
  }, 60_000);
});
