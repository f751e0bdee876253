import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { Claim, WorkItem } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { postgresSettings } from '../../src/backends/postgres/settings.ts';
import { openStore } from '../../src/backends/postgres/store.ts';
import { createPostgresWork, type PostgresWork } from '../../src/backends/postgres/work.ts';
import { parseBackendUrl } from '../../src/backends/url.ts';
import type { NewClaim, NewItem, StoredFinish } from '../../src/backends/work-store.ts';
import { workStoreCases } from '../../src/conformance/backends/work-store.ts';
import { describeWith } from '../helpers/components.ts';
import { startBreakingProxy } from '../helpers/servers/breaking-proxy.ts';
import { startPostgres } from '../helpers/servers/postgres.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';
import { type PoolWorkerProcess, startPoolWorker, usePoolWorkers } from './spawn-pool-worker.ts';

usePoolWorkers();

async function onStore(url: string, use: (work: PostgresWork) => Promise<void>): Promise<void> {
  const store = await openStore(postgresSettings(parseBackendUrl(url).url), undefined, () => {});
  const work = createPostgresWork(store, () => {});
  try {
    await use(work);
  } finally {
    await work.close();
    await store.close();
  }
}

/** Runs statements on the shared server, past the store. */
async function onServer<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: serverUrl('postgres') });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

interface Drained {
  /** By id, everything in the pool. */
  items: WorkItem[];
  /** As the pushes were answered. */
  pushed: string[];
  workers: PoolWorkerProcess[];
}

/** Four processes drain a pool into which this one goes on pushing, while `disturb` does what it does until it is told that all is over. */
async function drainUnder(
  url: string,
  pushes: number,
  disturb: (isOver: () => boolean) => Promise<void>,
): Promise<Drained> {
  const set = await openBackends(url);
  const pool = set.work.pool('pool');
  // Workers end when nothing is left: this keeps them until all is pushed.
  const sentinel = await pool.push(null, { delay: 3_600_000 });
  const pushed = await pool.pushMany(Array.from({ length: 100 }, (_, n) => ({ data: { n } })));
  const workers = await Promise.all(
    [0, 1, 2, 3].map((n) =>
      startPoolWorker(url, { pool: 'pool', worker: `w-${n}`, concurrency: 5, lease: 60_000, work: 2 }),
    ),
  );
  let over = false;
  const disturbed = disturb(() => over);
  for (const worker of workers) worker.go();
  for (let n = 0; n < pushes; n++) {
    pushed.push(...(await pool.pushMany([{ data: { n } }, { data: { n }, options: { dedupe: `d-${n}` } }])));
  }
  await pool.remove([sentinel]);
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
  over = true;
  await disturbed;
  const items = await pool.items();
  await set.close();
  return { items, pushed, workers };
}

/** Each item stored once, claimed once, completed once; and what was acknowledged is what is stored. */
function expectEachOnce({ items, pushed, workers }: Drained): void {
  expect(items.map(({ id }) => id)).toEqual(pushed.sort());
  expect(items.filter(({ status, attempts }) => status !== 'done' || attempts !== 1)).toEqual([]);
  const said = workers.flatMap((worker) => worker.said);
  const done = new Map(said.flatMap((one) => ('done' in one ? [[one.done, one.mark] as const] : [])));
  expect([...done].sort()).toEqual(items.map(({ id, result }) => [id, result]));
  expect(said.filter((one) => 'done' in one)).toHaveLength(items.length);
  expect(said.filter((one) => 'lost' in one)).toEqual([]);
}

describeWith('postgres', 'work', serverAvailability('postgres'), () => {
  describe('asked again', () => {
    for (const [name, run] of Object.entries(workStoreCases)) {
      it(name, () => onStore(emptyStoreUrl('postgres'), run));
    }
  });

  it('connections ended at random while four processes work: nothing is lost, doubled or counted twice', async () => {
    const name = `storm-${process.pid}`;
    let ended = 0;
    const drained = await drainUnder(`${emptyStoreUrl('postgres')}&application_name=${name}`, 300, (isOver) =>
      onServer(async (client) => {
        while (!isOver()) {
          await sleep(10 + Math.random() * 60);
          const { rowCount } = await client.query(
            'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND random() < 0.5',
            [name],
          );
          ended += rowCount ?? 0;
        }
      }),
    );
    expectEachOnce(drained);
    expect(ended).toBeGreaterThan(20);
  });

  it('answers lost on their way while four processes work: the same, though nobody knows what was done', async () => {
    const url = emptyStoreUrl('postgres');
    const { port } = new URL(url);
    const proxy = await startBreakingProxy(Number(port));
    const through = url.replace(`:${port}`, `:${proxy.port}`);
    const drained = await drainUnder(through, 150, async (isOver) => {
      while (!isOver()) {
        proxy.lose(0.1);
        await sleep(20);
      }
      proxy.lose(0);
    });
    await proxy.close();
    expectEachOnce(drained);
    expect(proxy.broken()).toBeGreaterThan(20);
  });

  it('a server that is killed and started again while four processes work: the same', async () => {
    const server = await startPostgres();
    try {
      let deaths = 0;
      const drained = await drainUnder(server.url, 300, async (isOver) => {
        for (; deaths < 2 && !isOver(); deaths++) {
          await sleep(400);
          await server.stop('SIGKILL');
          await sleep(100);
          await server.start();
        }
      });
      expectEachOnce(drained);
      expect(deaths).toBe(2);
    } finally {
      await server.dispose();
    }
  });

  it('a repetition that overtakes the first waits for it, and gives the same items', async () => {
    const url = emptyStoreUrl('postgres');
    // Another size of the pool, hence other connections and lanes.
    await onStore(url, (one) =>
      onStore(`${url}&pool=6`, async (other) => {
        await one.push('pool', itemsOf(4));
        for (let n = 0; n < 2; n++) {
          const claim = claimOf(`t-${n}`, 2, false);
          const [a, b] = await Promise.all([one, other].map((work) => work.exchange('pool', [], claim)));
          expect(a?.claimed).toHaveLength(2);
          expect(a?.claimed).toEqual(b?.claimed);
        }
      }),
    );
  });

  it('a claim looks at few rows, however the pool has grown since it was planned', async () => {
    const url = emptyStoreUrl('postgres');
    await onStore(url, async (work) => {
      await work.exchange('pool', [], claimOf('none'));
      const items = itemsOf(20_000).map((item, n) => ({
        ...item,
        priority: n % 3,
        delay: n % 2 ? 60_000 : 0,
      }));
      await work.push('pool', items);
    });
    const before = await rowsLookedAt(url);
    await onStore(url, async (work) => {
      for (let n = 0; n < 20; n++) {
        const { claimed } = await work.exchange('pool', [], claimOf(`t-${n}`));
        await work.exchange('pool', claimed.map(doneOf), null);
      }
    });
    expect((await rowsLookedAt(url)) - before).toBeLessThan(1000);
  });
});

function itemsOf(count: number): NewItem[] {
  return Array.from({ length: count }, (_, n) => ({
    nonce: `n-${n}`,
    data: '1',
    max_retries: 3,
    delay: 0,
    priority: 0,
    dedupe: null,
  }));
}

function claimOf(claim_token: string, count = 1, fresh = true): NewClaim {
  return { worker_id: 'w', count, lease: 60_000, claim_token, fresh };
}

function doneOf({ id, claim_token }: Claim): StoredFinish {
  return { id, claim_token, status: 'done', result: null, error: null, delay: 0, poison: false };
}

/** Rows that statements of closed connections have read in this schema. */
function rowsLookedAt(url: string): Promise<number> {
  return onServer(async (client) => {
    const { rows } = await client.query<{ looked: string }>(
      `SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = $1)
         + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = $1) AS looked`,
      [new URLSearchParams(url.split('?')[1]).get('schema')],
    );
    return Number(rows[0]?.looked);
  });
}
