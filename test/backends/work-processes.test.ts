import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet, WorkItem, WorkPool } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { type Availability, describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';
import type { PoolWorkerOptions, Said } from './pool-worker.ts';
import { type PoolWorkerProcess, startPoolWorker, usePoolWorkers } from './spawn-pool-worker.ts';

usePoolWorkers();

const PROCESSES = 8;

interface Store {
  name: string;
  found: Availability;
  url(directory: string): string;
}

const STORES: readonly Store[] = [
  {
    name: 'sqlite',
    found: { available: true, detail: '' },
    url: (directory) => `sqlite:${join(directory, 'store.db')}`,
  },
  { name: 'redis', found: serverAvailability('redis'), url: () => emptyStoreUrl('redis') },
  { name: 'postgres', found: serverAvailability('postgres'), url: () => emptyStoreUrl('postgres') },
];

/** Everything that workers have said of one kind. */
function saidBy<K extends string>(
  workers: readonly PoolWorkerProcess[],
  kind: K,
): Extract<Said, Record<K, unknown>>[] {
  return workers
    .flatMap(({ said }) => said)
    .filter((one): one is Extract<Said, Record<K, unknown>> => kind in one);
}

function optionsOf(worker: string, more: Partial<PoolWorkerOptions> = {}): PoolWorkerOptions {
  return { pool: 'pool', worker, concurrency: 10, lease: 30_000, work: 0, ...more };
}

for (const { name, found, url: urlIn } of STORES) {
  describeWith(name, 'work pools between processes', found, () => {
    let directory = '';
    let url = '';
    let set: BackendSet;
    let pool: WorkPool;

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'flatmachine-pools-'));
      url = urlIn(directory);
      set = await openBackends(url);
      pool = set.work.pool('pool');
    });

    afterEach(async () => {
      await set.close();
      rmSync(directory, { recursive: true });
    });

    it(`${PROCESSES} processes drain 5,000 items: each is claimed once, and nobody starves`, async () => {
      const ids = await pool.pushMany(Array.from({ length: 5000 }, (_, n) => ({ data: { n } })));
      const workers = await Promise.all(
        Array.from({ length: PROCESSES }, (_, n) => startPoolWorker(url, optionsOf(`w-${n}`))),
      );
      for (const worker of workers) worker.go();
      expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(workers.map(() => 0));
      const claims = saidBy(workers, 'claimed');
      expect(claims.map(({ claimed }) => claimed).sort()).toEqual(ids);
      expect(claims.every(({ attempts }) => attempts === 1)).toBe(true);
      expect(saidBy(workers, 'done')).toHaveLength(5000);
      expect(await pool.counts()).toEqual({ pending: 0, delayed: 0, claimed: 0, done: 5000, poisoned: 0 });
      for (const worker of workers) expect(saidBy([worker], 'claimed').length).toBeGreaterThan(0);
    });

    it('workers killed all the time: each of 600 items is done once, deadly ones are poisoned, none is lost', async () => {
      const jobs = Array.from({ length: 600 }, (_, n) => ({
        n,
        ...(n % 150 === 75 ? { deadly: true } : {}),
      }));
      const ids = await pool.pushMany(
        jobs.map((data) => ({ data, options: { max_retries: data.deadly ? 2 : 50 } })),
      );
      const workers: PoolWorkerProcess[] = [];
      let over = false;
      /** Keeps one worker alive until the pool is drained. */
      const keepAlive = async (place: number) => {
        for (let life = 0; !over; life++) {
          const worker = await startPoolWorker(
            url,
            optionsOf(`w-${place}-${life}`, { concurrency: 3, lease: 600, work: 15 }),
          );
          workers.push(worker);
          worker.go();
          if ((await worker.ended) === 0) over = true;
        }
      };
      let kills = 0;
      /** One after every so many items, not after so long: on a slow machine nobody would live long enough to do anything. */
      const killer = async () => {
        for (let next = 40; !over; await sleep(5)) {
          if (saidBy(workers, 'done').length < next) continue;
          const alive = workers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
          alive[Math.floor(Math.random() * alive.length)]?.child.kill('SIGKILL');
          kills++;
          next += 40;
        }
      };
      await Promise.all([killer(), ...[0, 1, 2, 3].map(keepAlive)]);

      const items = await pool.items();
      expect(items.map(({ id }) => id)).toEqual(ids);
      for (const item of items) expectEnd(item, jobs[ids.indexOf(item.id)]?.deadly === true);
      const done = saidBy(workers, 'done');
      expect(new Set(done.map((one) => one.done)).size, 'nothing is done twice').toBe(done.length);
      const results = new Map(items.map(({ id, result }) => [id, result]));
      for (const one of done) expect(results.get(one.done)).toBe(one.mark);
      // What was done but not said: its worker died between the two.
      expect(done.length).toBeGreaterThan(500);
      expect(kills).toBeGreaterThan(10);
      expect(items.some(({ attempts, status }) => status === 'done' && attempts > 1)).toBe(true);
    });
  });
}

function expectEnd({ status, attempts, max_retries, error }: WorkItem, deadly: boolean): void {
  if (!deadly) {
    expect(status).toBe('done');
    expect(attempts).toBeLessThanOrEqual(max_retries);
    return;
  }
  expect([status, attempts]).toEqual(['poisoned', 2]);
  expect(error).toMatch(/w-\d-\d/);
}
