import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { saveSteps } from '../../src/conformance/backends/place.ts';

let directory = '';
let file = '';
const sets: BackendSet[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-work-'));
  file = join(directory, 'store.db');
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(directory, { recursive: true });
});

async function open(): Promise<BackendSet> {
  const set = await openBackends(`sqlite:${file}`, { durability: 'process-crash' });
  sets.push(set);
  return set;
}

/** Does something to the file that no API would. */
function tamper<T>(work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** How SQLite would go about a query. */
function planOf(sql: string): string {
  const rows = tamper((db) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) as { detail: string }[];
  return rows.map(({ detail }) => detail).join('; ');
}

it('a watch stays announced to other processes when the first item of a new file is claimed', async () => {
  const set = await open();
  const pool = set.work.pool('pool');
  const stop = pool.watch(() => {});
  await pool.push('x');
  expect(await pool.claim('w')).not.toBeNull();
  expect(tamper((db) => db.prepare('SELECT watched FROM pools').pluck().get())).toBeGreaterThan(0);
  stop();
});

it('a file of the second version is brought up to date, with all that it holds', async () => {
  const before = await open();
  await saveSteps(before, 'job', 0, 2);
  await before.signals.send('door', 1);
  await before.close();
  tamper((db) => {
    for (const table of ['pools', 'items', 'large_data', 'lease_boot', 'workers'])
      db.exec(`DROP TABLE ${table}`);
    db.pragma('user_version = 2');
  });
  const set = await open();
  expect((await set.persistence.latest('job'))?.step).toBe(2);
  expect(await set.signals.queued('door')).toHaveLength(1);
  const id = await set.work.pool('pool').push('x');
  expect((await set.work.pool('pool').claim('w'))?.id).toBe(id);
  await set.registration.register({ worker_id: 'w', started_at: '2026-01-01T00:00:00.000Z' });
  expect(await set.registration.list()).toHaveLength(1);
});

describe('the index', () => {
  it.each([
    ['what is next', "SELECT id FROM items WHERE pool = 1 AND state = 'pending' ORDER BY rank, id LIMIT 1"],
    [
      'what is due',
      "SELECT id FROM items WHERE pool = 1 AND state = 'delayed' AND rank <= 5 ORDER BY rank LIMIT 1",
    ],
    [
      'what is finished',
      "SELECT id FROM items WHERE pool = 1 AND state = 'done' AND rank = 0 AND id > 5 ORDER BY id LIMIT 9",
    ],
  ])('finds %s without sorting or scanning', async (_, sql) => {
    await open();
    expect(planOf(sql)).toMatch(/USING (COVERING )?INDEX items_in_line \(pool=\? AND state=\?/);
    expect(planOf(sql)).not.toMatch(/TEMP B-TREE|SCAN/);
  });
});

it('a claim takes as long among 200,000 items, most of them delayed or claimed, as among 200', async () => {
  const set = await open();
  const [few, many] = [set.work.pool('few'), set.work.pool('many')];
  const items = (count: number, options = {}) =>
    Array.from({ length: count }, (_, n) => ({ data: n, options }));
  await few.pushMany(items(200));
  await many.pushMany(items(100_000, { delay: 3_600_000, priority: 1 }));
  await many.pushMany(items(50_000));
  await many.claimMany('other', 49_800);
  await many.pushMany(items(49_800));
  const times = { few: [] as number[], many: [] as number[] };
  for (let n = 0; n < 150; n++) {
    for (const [name, pool] of [
      ['few', few],
      ['many', many],
    ] as const) {
      const start = performance.now();
      await pool.claim('w');
      times[name].push(performance.now() - start);
    }
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[75] as number;
  expect(median(times.many)).toBeLessThan(3 * median(times.few) + 0.1);
});

it('long data is not written anew when its item is claimed or ends', async () => {
  const set = await open();
  const pool = set.work.pool('pool');
  const data = 'x'.repeat(5_000_000);
  await pool.push(data);
  const before = tamper((db) => db.pragma('wal_checkpoint(TRUNCATE)') as unknown);
  expect(before).toBeDefined();
  const item = await pool.claim('w');
  expect(item?.data).toBe(data);
  await pool.complete(item?.id as string, 1);
  expect(statSync(`${file}-wal`).size).toBeLessThan(200_000);
  await pool.remove([item?.id as string]);
  expect(tamper((db) => db.prepare('SELECT count(*) AS n FROM large_data').get())).toEqual({ n: 0 });
});

it('the log stays bounded, however much goes through a pool', async () => {
  const set = await open();
  const pool = set.work.pool('pool');
  const data = 'x'.repeat(1000);
  await pool.push(data);
  let [item] = await pool.claimMany('w', 1);
  for (let n = 0; n < 6000 && item; n++) {
    await pool.push(data);
    const { claimed } = await pool.exchange([{ id: item.id, status: 'done' }], 'w', 1);
    await pool.remove([item.id]);
    [item] = claimed;
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(17 * 1024 * 1024);
  expect(statSync(file).size).toBeLessThan(1024 * 1024);
});

it('claims and heartbeats from before the machine was booted are over', async () => {
  const before = await open();
  const pool = before.work.pool('pool');
  const id = await pool.push('x');
  const first = await pool.claim('w', { lease: 3_600_000 });
  await before.registration.register({ worker_id: 'w', started_at: '2026-01-01T00:00:00.000Z' });
  await before.close();
  tamper((db) => {
    db.exec("UPDATE lease_boot SET boot = 'another'; UPDATE workers SET boot = 'another', beat = 1e12");
    db.exec(`UPDATE workers SET body = json_set(body, '$.last_heartbeat', '2026-01-01T00:00:00.000Z')`);
  });
  const set = await open();
  await expect(
    set.work.pool('pool').complete(id, 1, { claim_token: first?.claim_token as string }),
  ).rejects.toMatchObject({ code: 'lease-lost' });
  expect((await set.work.pool('pool').claim('w'))?.attempts).toBe(2);
  expect(await set.registration.markLost('w')).toBe(true);
});

it('those who watch hear of their own pool, not of everything that is written to the file', async () => {
  const [a, b] = [await open(), await openBackends(`sqlite:${file}`)];
  sets.push(b);
  let told = 0;
  const stop = a.work.pool('pool').watch(() => told++);
  // Once when it begins: for what was done before others knew of it.
  await expect.poll(() => told).toBe(1);
  told = 0;
  await b.work.pool('other').push(1);
  await saveSteps(b, 'job', 0, 3);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(told).toBe(0);
  await b.work.pool('pool').push(1);
  await expect.poll(() => told).toBe(1);
  stop();
});
