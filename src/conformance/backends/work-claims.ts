import assert from 'node:assert/strict';
import { HOSTILE_IDS, refused, type SetCase } from './place.ts';
import { claimed, drained, inPool, near, pushAll, runOut, SHORT, statusOf } from './work-bench.ts';

/** Cases of pushing and claiming. */
export const claimCases: Readonly<Record<string, SetCase>> = {
  'what is pushed is claimed, first in first out': inPool(async (pool) => {
    const ids = await pushAll(pool, 'a', 'b');
    ids.push(await pool.push({ c: [1, null, 'ü'] }));
    assert.deepEqual([...ids].sort(), ids);
    assert.equal(new Set(ids).size, 3);
    assert.equal(await pool.size(), 3);
    const first = await claimed(pool, 'worker-1');
    const { pushed_at, claimable_at, claimed_at, lease_until, claim_token, ...rest } = first;
    for (const time of [pushed_at, claimable_at, claimed_at]) near(time, 0);
    near(lease_until, 60_000);
    assert.ok(claim_token.length > 0);
    assert.deepEqual(rest, {
      id: ids[0],
      data: 'a',
      status: 'claimed',
      priority: 0,
      dedupe: null,
      attempts: 1,
      max_retries: 3,
      claimed_by: 'worker-1',
      finished_at: null,
      error: null,
      result: null,
    });
    assert.deepEqual(await drained(pool), ['b', { c: [1, null, 'ü'] }]);
    assert.equal(await pool.claim('worker-1'), null);
    assert.equal(await pool.size(), 0);
  }),

  'the highest priority comes first, the oldest of one priority first': inPool(async (pool) => {
    const priorities = [0, 5, -5, 5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0];
    for (const [n, priority] of priorities.entries()) await pool.push(n, { priority });
    assert.deepEqual(await drained(pool), [4, 1, 3, 0, 6, 2, 5]);
  }),

  'several are claimed at once, in that order too': inPool(async (pool) => {
    await pushAll(pool, 1, 2, 3, 4, 5);
    await pool.push(0, { priority: 1 });
    const items = await pool.claimMany('w', 4);
    assert.deepEqual(
      items.map(({ data, attempts, claimed_by }) => [data, attempts, claimed_by]),
      [0, 1, 2, 3].map((n) => [n, 1, 'w']),
    );
    assert.equal((await pool.claimMany('w', 10)).length, 2);
    assert.deepEqual(await pool.claimMany('w', 10), []);
    assert.deepEqual(await pool.claimMany('w', 0), []);
  }),

  'many that claim at once get each item once': inPool(async (pool) => {
    await pool.pushMany(Array.from({ length: 60 }, (_, data) => ({ data })));
    const found = await Promise.all(Array.from({ length: 80 }, (_, n) => pool.claim(`w-${n}`)));
    const taken = found.filter((item) => item !== null);
    assert.equal(taken.length, 60);
    assert.equal(new Set(taken.map(({ id }) => id)).size, 60);
    for (const item of taken) await pool.complete(item.id, null, item);
    assert.deepEqual(await pool.counts(), { pending: 0, delayed: 0, claimed: 0, done: 60, poisoned: 0 });
  }),

  'a claim whose token is given can be asked for again': inPool(async (pool) => {
    await pushAll(pool, 1, 2, 3, 4);
    const options = { claim_token: 'mine.1', lease: SHORT };
    const first = await pool.claimMany('w', 2, options);
    assert.deepEqual(
      first.map(({ data, claim_token }) => [data, claim_token]),
      [1, 2].map((n) => [n, 'mine.1']),
    );
    const again = async () => (await pool.claimMany('w', 2, options)).map(({ data }) => data);
    assert.deepEqual(await again(), [1, 2]);
    await pool.complete(first[0]?.id as string);
    assert.deepEqual(await again(), [2]);
    await runOut(pool);
    assert.deepEqual(await again(), [2, 3]);
    assert.equal((await pool.claim('w', { claim_token: 'mine.2' }))?.data, 4);
    await pushAll(pool, 5, 6);
    const twice = await Promise.all([1, 2].map(() => pool.claim('w', { claim_token: 'mine.3' })));
    assert.deepEqual(
      twice.map((item) => item?.data),
      [5, 5],
    );
    await refused('invalid-id', pool.claim('w', { claim_token: '' }));
  }),

  'a delayed item is claimed when its time has come, in its place': inPool(async (pool) => {
    const id = await pool.push('later', { delay: SHORT, priority: 1 });
    await pool.push('now');
    await pool.push('much later', { delay: 3_600_000 });
    assert.equal(await statusOf(pool, id), 'pending');
    near((await pool.item(id))?.claimable_at ?? null, SHORT);
    assert.deepEqual(await pool.counts(), { pending: 1, delayed: 2, claimed: 0, done: 0, poisoned: 0 });
    assert.equal(await pool.size(), 1);
    const next = await pool.nextChange();
    assert.ok(next !== null && next > 0 && next <= SHORT, String(next));
    await runOut(pool);
    assert.equal(await pool.size(), 2);
    assert.deepEqual(await drained(pool), ['later', 'now']);
  }),

  'an item with a known dedupe key is not stored again, whatever became of the first': inPool(
    async (pool) => {
      const id = await pool.push(1, { dedupe: 'key' });
      assert.equal(await pool.push(2, { dedupe: 'key' }), id);
      const [again, other] = await pool.pushMany([
        { data: 3, options: { dedupe: 'key' } },
        { data: 4, options: { dedupe: 'other' } },
      ]);
      assert.equal(again, id);
      assert.notEqual(other, id);
      const item = await claimed(pool);
      assert.deepEqual([item.data, item.dedupe], [1, 'key']);
      await pool.complete(item.id);
      assert.equal(await pool.push(5, { dedupe: 'key' }), id);
      assert.equal(await pool.remove([id]), 1);
      assert.notEqual(await pool.push(6, { dedupe: 'key' }), id);
      assert.deepEqual(await drained(pool), [4, 6]);
      const twins = await pool.pushMany([
        { data: 7, options: { dedupe: 'twin' } },
        { data: 8, options: { dedupe: 'twin' } },
      ]);
      assert.equal(twins[0], twins[1]);
    },
  ),

  'dedupe keys hold within their pool, and may be strange': async ({ work }) => {
    const a = work.pool('a');
    const keys = [...HOSTILE_IDS, '/', '..', 'x'.repeat(500), 'a/b'];
    const ids: string[] = [];
    for (const dedupe of keys) ids.push(await a.push(dedupe, { dedupe }));
    for (const [n, dedupe] of keys.entries()) assert.equal(await a.push(0, { dedupe }), ids[n]);
    assert.deepEqual(await drained(a), keys);
    await work.pool('b').push('own', { dedupe: '/' });
    assert.deepEqual(await drained(work.pool('b')), ['own']);
  },
};
