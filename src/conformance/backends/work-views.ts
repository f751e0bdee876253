import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkPool } from '../../backends/interfaces.ts';
import type { JsonValue } from '../../types.ts';
import { HOSTILE_IDS, INVALID_IDS, refused, type SetCase } from './place.ts';
import { claimed, drained, inPool, pushAll, statusOf } from './work-bench.ts';

/** Cases of what a pool tells, takes and refuses. */
export const viewCases: Readonly<Record<string, SetCase>> = {
  'items are listed by status, in the order of pushing, in pages': inPool(async (pool) => {
    const ids = await pushAll(pool, ...Array.from({ length: 12 }, (_, n) => n));
    await pool.push('delayed', { delay: 60_000, priority: 3 });
    const taken = await pool.claimMany('w', 6);
    for (const item of taken.slice(0, 3).reverse()) await pool.complete(item.id, item.data);
    await pool.fail(taken[3]?.id as string, 'bad', { poison: true });
    const data = async (filter: Parameters<WorkPool['items']>[0]) =>
      (await pool.items(filter)).map((item) => item.data);
    assert.deepEqual(await data({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 'delayed']);
    assert.deepEqual(await data({ status: ['done'] }), [0, 1, 2]);
    assert.deepEqual(await data({ status: ['poisoned', 'claimed'] }), [3, 4, 5]);
    assert.deepEqual(await data({ status: ['pending'], limit: 2 }), [6, 7]);
    assert.deepEqual(await data({ status: ['pending'], after: ids[9] as string }), [10, 11, 'delayed']);
    assert.deepEqual(await data({ after: ids[0] as string, limit: 3 }), [1, 2, 3]);
    assert.deepEqual(await data({ status: ['done'], after: ids[0] as string, limit: 1 }), [1]);
    assert.deepEqual(await data({ status: [] }), []);
    assert.deepEqual(await data({ after: '', limit: 0 }), []);
    assert.deepEqual(await data({ after: '~'.repeat(3) }).catch((error) => error.code), 'usage');
  }),

  'items that nobody has claimed are removed': inPool(async (pool) => {
    const [a, b, c] = (await pushAll(pool, 1, 2, 3)) as [string, string, string];
    await claimed(pool);
    assert.equal(await pool.remove([a, b, b, 'none']), 1);
    assert.deepEqual(await drained(pool), [3]);
    await pool.complete(a);
    assert.equal(await pool.remove([a, c]), 1);
    assert.deepEqual(
      (await pool.items()).map(({ id }) => id),
      [c],
    );
    const next = await pool.push(4);
    assert.ok(next > c, 'ids are not used twice');
    assert.equal(await pool.releaseByWorker('drain'), 1);
    assert.equal(await pool.remove([c, next]), 2);
    assert.ok((await pool.push(5)) > next, 'not even in a pool that was emptied');
  }),

  'a pool exists as long as something is in it': async ({ work }) => {
    assert.deepEqual(await work.pools(), []);
    const ids: [string, string][] = [];
    for (const name of ['b', 'a', 'c']) ids.push([name, await work.pool(name).push(name)]);
    assert.deepEqual(await work.pools(), ['a', 'b', 'c']);
    const [name, id] = ids[1] as [string, string];
    await work.pool(name).remove([id]);
    assert.deepEqual(await work.pools(), ['b', 'c']);
    assert.deepEqual(await work.pool('none').counts(), {
      pending: 0,
      delayed: 0,
      claimed: 0,
      done: 0,
      poisoned: 0,
    });
  },

  'pools and workers with hostile names are apart': async ({ work }) => {
    for (const name of HOSTILE_IDS) await work.pool(name).push(name);
    assert.deepEqual([...(await work.pools())].sort(), [...HOSTILE_IDS].sort());
    for (const name of HOSTILE_IDS) {
      const item = await claimed(work.pool(name), name);
      assert.deepEqual([item.data, item.claimed_by], [name, name]);
      assert.equal(await work.pool(name).size(), 0);
    }
    for (const name of HOSTILE_IDS) assert.equal(await work.pool(name).releaseByWorker(name), 1);
  },

  'an id of one pool means nothing in another': async ({ work }) => {
    const [a, b] = [work.pool('a'), work.pool('b')];
    const id = await a.push('x');
    const item = await claimed(a);
    assert.equal(await b.item(id), null);
    await refused('not-found', b.complete(id, 1, item));
    assert.deepEqual(await b.renew([item]), [false]);
    assert.equal(await b.releaseByWorker('w'), 0);
    await a.fail(id, 'bad', { poison: true });
    assert.equal(await b.requeue([id]), 0);
    assert.equal(await b.requeue(), 0);
    assert.equal(await b.remove([id]), 0);
    assert.equal(await statusOf(a, id), 'poisoned');
  },

  'what is out of range is refused': async ({ work }) => {
    for (const id of INVALID_IDS) assert.throws(() => work.pool(id), { code: 'invalid-id' });
    const pool = work.pool('pool');
    for (const id of INVALID_IDS) {
      await refused('invalid-id', pool.claim(id));
      await refused('invalid-id', pool.releaseByWorker(id));
    }
    for (const max_retries of [0, -1, 1.5, Number.NaN]) await refused('usage', pool.push(1, { max_retries }));
    for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await refused('usage', pool.push(1, { delay }));
    for (const priority of [0.5, 2 ** 53, Number.NaN]) await refused('usage', pool.push(1, { priority }));
    for (const dedupe of ['', 'x'.repeat(501), '\ud800', 'a\u0000b'])
      await refused('usage', pool.push(1, { dedupe }));
    for (const lease of [0, -1, Number.NaN]) await refused('usage', pool.claim('w', { lease }));
    for (const count of [-1, 0.5, Number.NaN]) await refused('usage', pool.claimMany('w', count));
    await refused('not-json', pool.push(Number.NaN));
    await refused('not-json', pool.push((() => 1) as unknown as JsonValue));
    await refused('too-large', pool.push('x'.repeat(17_000_000)));
    assert.equal(await pool.size(), 0);
  },

  'items and results of 1 B to 10 MB, and of any text, come back as they were': inPool(async (pool) => {
    const values: JsonValue[] = [
      null,
      0,
      '',
      '\u0000\ud800\u2028"\\',
      HOSTILE_IDS as string[],
      JSON.parse('{"__proto__":{"a":1},"constructor":[]}') as JsonValue,
      'x'.repeat(5_000),
      'ü'.repeat(200_000),
      'y'.repeat(10_000_000),
    ];
    for (const value of values) {
      const id = await pool.push(value);
      const item = await claimed(pool);
      assert.deepEqual(item.data, value);
      await pool.complete(id, value);
      assert.deepEqual((await pool.item(id))?.result, value);
      assert.deepEqual((await pool.item(id))?.data, value);
    }
  }),

  'what is given and got is nobody else’s': inPool(async (pool) => {
    const data = { list: [1] };
    const id = await pool.push(data);
    data.list.push(2);
    const item = await claimed(pool);
    assert.deepEqual(item.data, { list: [1] });
    (item.data as { list: number[] }).list.push(3);
    assert.deepEqual((await pool.item(id))?.data, { list: [1] });
  }),

  'who watches is told of items and ends, and of those of its pool alone': async ({ work }) => {
    const pool = work.pool('pool');
    let told = 0;
    let stop = pool.watch(() => told++);
    const tells = async (what: string, does: Promise<unknown>) => {
      const before = told;
      await does;
      for (const end = Date.now() + 5_000; told === before && Date.now() < end; ) await sleep(2);
      assert.ok(told > before, `it tells of ${what}`);
      await sleep(60);
    };
    await tells('a push', pool.push(1, { max_retries: 2 }));
    await tells(
      'a failure',
      claimed(pool).then(({ id }) => pool.fail(id)),
    );
    await tells(
      'a poisoned one',
      claimed(pool).then(({ id }) => pool.fail(id)),
    );
    await tells('a requeue', pool.requeue());
    await tells(
      'a release',
      claimed(pool).then(({ id }) => pool.release(id)),
    );
    await tells(
      'a reaping',
      claimed(pool, 'dead').then(() => pool.releaseByWorker('dead')),
    );
    await tells(
      'an end',
      claimed(pool).then(({ id }) => pool.complete(id)),
    );
    await tells('a delayed one', pool.push(2, { delay: 60_000 }));
    stop();
    stop();
    const before = told;
    await pool.push(3);
    await sleep(50);
    assert.equal(told, before);
    stop = pool.watch(() => told++);
    for (let n = 0; n < 3; n++) await pool.push(n);
    stop();
  },

  'a closed set refuses work': async (set) => {
    const pool = set.work.pool('pool');
    await pool.push(1);
    await set.close();
    await refused('backend', pool.push(2));
    await refused('backend', pool.claim('w'));
    await refused('backend', pool.counts());
    assert.throws(() => pool.watch(() => {}), { code: 'backend' });
  },
};
