import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, ClaimedItem, WorkPool } from '../../backends/interfaces.ts';
import type { JsonValue } from '../../types.ts';
import { HOSTILE_IDS, INVALID_IDS, refused, type SetCase } from './place.ts';

/** A lease or delay that the cases let run out, milliseconds. */
const SHORT = 250;

/** Claims one item, which has to be there. */
export async function claimed(pool: WorkPool, worker = 'w', lease?: number): Promise<ClaimedItem> {
  const item = await pool.claim(worker, lease === undefined ? {} : { lease });
  assert.ok(item, 'there should be something to claim');
  return item;
}

/** Waits until a delay or a lease has run out. */
export async function runOut(pool: WorkPool): Promise<void> {
  for (let wait = await pool.nextChange(); wait !== 0; wait = await pool.nextChange()) {
    assert.ok(wait !== null && wait > 0 && wait <= 60_000, `something runs out in ${wait} ms`);
    await sleep(Math.ceil(wait));
  }
}

async function pushAll(pool: WorkPool, ...items: JsonValue[]): Promise<string[]> {
  return pool.pushMany(items.map((data) => ({ data })));
}

/** Data of what can be claimed, in the order in which it is. */
async function drained(pool: WorkPool): Promise<JsonValue[]> {
  const found: JsonValue[] = [];
  for (let item = await pool.claim('drain'); item; item = await pool.claim('drain')) found.push(item.data);
  return found;
}

async function statusOf(pool: WorkPool, id: string): Promise<string | undefined> {
  return (await pool.item(id))?.status;
}

function inPool(work: (pool: WorkPool) => Promise<void>): SetCase {
  return ({ work: backend }: BackendSet) => work(backend.pool('pool'));
}

/** Asserts that a time is about so many milliseconds from now. */
function near(time: string | null, from: number): void {
  assert.match(time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const off = Math.abs(Date.parse(time ?? '') - Date.now() - from);
  assert.ok(off < 30_000, `${time} is ${off} ms off`);
}

const claiming: Record<string, SetCase> = {
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

const ending: Record<string, SetCase> = {
  'a completed item is done, with its result': inPool(async (pool) => {
    const id = await pool.push('x');
    const item = await claimed(pool);
    await pool.complete(id, { ok: [1, 'ü'] });
    await pool.complete(id, { ok: 'again' });
    await pool.complete(id, { ok: 'again' }, item);
    const done = await pool.item(id);
    near(done?.finished_at ?? null, 0);
    assert.deepEqual(
      [done?.status, done?.result, done?.error, done?.lease_until, done?.claimed_by, done?.attempts],
      ['done', { ok: [1, 'ü'] }, null, null, 'w', 1],
    );
    await refused('lease-lost', pool.fail(id, 'after all'));
    assert.equal(await pool.claim('w'), null);
  }),

  'a failed item can be claimed again until it had its attempts': inPool(async (pool) => {
    const id = await pool.push('x', { max_retries: 2 });
    const other = await pool.push('y');
    await claimed(pool);
    await pool.fail(id, 'no luck \u0000 \ud800');
    const back = await pool.item(id);
    assert.deepEqual([back?.status, back?.attempts, back?.claimed_by], ['pending', 1, null]);
    assert.match(back?.error ?? '', /^no luck /);
    const again = await claimed(pool);
    assert.deepEqual([again.id, again.attempts], [id, 2]);
    await pool.fail(id, 'still not');
    const dead = await pool.item(id);
    near(dead?.finished_at ?? null, 0);
    assert.deepEqual([dead?.status, dead?.error, dead?.attempts], ['poisoned', 'still not', 2]);
    assert.equal((await claimed(pool)).id, other);
    assert.deepEqual(await pool.counts(), { pending: 0, delayed: 0, claimed: 1, done: 0, poisoned: 1 });
  }),

  'a success wipes the error of the attempt before': inPool(async (pool) => {
    const id = await pool.push('x');
    await claimed(pool);
    await pool.fail(id, 'once');
    assert.equal((await claimed(pool)).error, 'once');
    await pool.complete(id, 1);
    assert.equal((await pool.item(id))?.error, null);
  }),

  'a failure can ask for a delay, or for no more attempts': inPool(async (pool) => {
    const [later, dead] = (await pushAll(pool, 'later', 'dead')) as [string, string];
    await pool.claimMany('w', 2);
    await pool.fail(later, 'busy', { delay: SHORT });
    await pool.fail(dead, 'hopeless', { poison: true });
    assert.equal(await statusOf(pool, dead), 'poisoned');
    assert.equal(await pool.claim('w'), null);
    assert.equal((await pool.counts()).delayed, 1);
    await runOut(pool);
    assert.deepEqual((await claimed(pool)).attempts, 2);
  }),

  'a released item is as if it had not been claimed': inPool(async (pool) => {
    const id = await pool.push('x', { max_retries: 1 });
    for (let round = 0; round < 3; round++) {
      const item = await claimed(pool);
      assert.equal(item.attempts, 1);
      await pool.release(id);
      await pool.release(id, item);
      await refused('lease-lost', pool.complete(id, 1, item));
      const back = await pool.item(id);
      assert.deepEqual(
        [back?.status, back?.attempts, back?.error, back?.claimed_by, back?.claimed_at, back?.lease_until],
        ['pending', 0, null, null, null, null],
      );
    }
  }),

  'a released item can be kept back for a while': inPool(async (pool) => {
    const id = await pool.push('x');
    await claimed(pool);
    await pool.release(id, { delay: SHORT });
    assert.equal(await pool.claim('w'), null);
    await runOut(pool);
    assert.equal((await claimed(pool)).attempts, 1);
  }),

  'the claim of another, or of an earlier attempt, ends nothing': inPool(async (pool) => {
    const id = await pool.push('x');
    const first = await claimed(pool, 'a');
    await pool.fail(id, 'once', first);
    const second = await claimed(pool, 'b');
    assert.notEqual(second.claim_token, first.claim_token);
    await refused('lease-lost', pool.complete(id, 1, { claim_token: 'made up' }));
    await refused('lease-lost', pool.complete(id, 1, { claim_token: '' }));
    await refused('lease-lost', pool.complete(id, 1, first));
    await refused('lease-lost', pool.release(id, first));
    await pool.fail(id, 'once', first);
    assert.deepEqual(await pool.renew([first, second]), [false, true]);
    assert.deepEqual((await pool.item(id))?.claimed_by, 'b');
    await pool.complete(id, 2, second);
    await refused('lease-lost', pool.fail(id, 'no', first));
    assert.deepEqual((await pool.item(id))?.result, 2);
  }),

  'what nobody has claimed cannot be ended, and what is not there is not found': inPool(async (pool) => {
    const id = await pool.push('x');
    await refused('lease-lost', pool.complete(id));
    await refused('lease-lost', pool.fail(id));
    await refused('lease-lost', pool.release(id));
    const item = await claimed(pool);
    await pool.complete(id);
    await pool.remove([id]);
    for (const gone of [id, 'no-such-item', '', '999999999999', '\u0000', '__proto__']) {
      await refused('not-found', pool.complete(gone, 1, item));
      assert.equal(await pool.item(gone), null);
    }
    assert.deepEqual(await pool.renew([item, { id: '\ud800', claim_token: 'x' }]), [false, false]);
  }),

  'an exchange ends some and claims others, and tells which claims were lost': inPool(async (pool) => {
    const ids = await pushAll(pool, 1, 2, 3, 4, 5, 6);
    const [a, b, c] = (await pool.claimMany('w', 3)) as [ClaimedItem, ClaimedItem, ClaimedItem];
    await pool.release(c.id);
    const { claimed: next, lost } = await pool.exchange(
      [
        { id: a.id, status: 'done', result: 'A' },
        { id: b.id, status: 'failed', error: 'B', poison: true },
        { id: c.id, status: 'done', result: 'C' },
        { id: 'gone', status: 'done' },
        { id: ids[5] as string, claim_token: 'wrong', status: 'failed' },
      ],
      'w',
      2,
    );
    assert.deepEqual(
      next.map(({ data }) => data),
      [3, 4],
    );
    assert.deepEqual([...lost].sort(), [c.id, 'gone', ids[5]].sort());
    assert.deepEqual(await pool.counts(), { pending: 2, delayed: 0, claimed: 2, done: 1, poisoned: 1 });
    assert.deepEqual((await pool.item(b.id))?.error, 'B');
    const last = await pool.exchange([{ id: next[0]?.id as string, status: 'done' }], 'w', 0);
    assert.deepEqual(last, { claimed: [], lost: [] });
    assert.deepEqual((await pool.exchange([], 'w', 9)).claimed.length, 2);
  }),

  'what an exchange fails can be claimed by it at once': inPool(async (pool) => {
    const id = await pool.push('x');
    await claimed(pool);
    const { claimed: next } = await pool.exchange([{ id, status: 'failed', error: 'once' }], 'w', 1);
    assert.deepEqual(
      next.map((item) => [item.id, item.attempts, item.error]),
      [[id, 2, 'once']],
    );
  }),
};

const leases: Record<string, SetCase> = {
  'a claim that runs out counts, and is refused from then on': inPool(async (pool) => {
    const id = await pool.push('x', { max_retries: 2 });
    const first = await claimed(pool, 'a', SHORT);
    assert.equal(await pool.claim('b'), null);
    await runOut(pool);
    assert.equal(await pool.size(), 1);
    assert.equal((await pool.counts()).claimed, 1);
    await refused('lease-lost', pool.complete(id, 1, first));
    assert.deepEqual(await pool.renew([first]), [false]);
    const second = await claimed(pool, 'b', SHORT);
    assert.deepEqual([second.id, second.attempts], [id, 2]);
    assert.match(second.error ?? '', /\ba\b/);
    await refused('lease-lost', pool.fail(id, 'late', first));
    await runOut(pool);
    assert.equal(await pool.size(), 0);
    assert.equal(await pool.claim('c'), null);
    const dead = await pool.item(id);
    assert.deepEqual([dead?.status, dead?.attempts, dead?.lease_until], ['poisoned', 2, null]);
    assert.match(dead?.error ?? '', /\bb\b/);
    assert.equal(await pool.nextChange(), null);
  }),

  'a claim that is renewed is kept': inPool(async (pool) => {
    await pushAll(pool, 1, 2);
    const [a, b] = (await pool.claimMany('w', 2, { lease: SHORT })) as [ClaimedItem, ClaimedItem];
    assert.deepEqual(await pool.renew([a], 60_000), [true]);
    near((await pool.item(a.id))?.lease_until ?? null, 60_000);
    await runOut(pool);
    assert.equal((await claimed(pool, 'other')).id, b.id);
    assert.deepEqual(await pool.renew([a, b]), [true, false]);
    assert.deepEqual(await pool.renew([]), []);
    await pool.complete(a.id);
    assert.deepEqual(await pool.renew([a]), [false]);
  }),

  'what a dead worker had is put back, and counts': inPool(async (pool) => {
    await pool.push('last', { max_retries: 1 });
    await pushAll(pool, 'a', 'b');
    const mine = await pool.claimMany('dead', 2);
    const theirs = await claimed(pool, 'dead-1');
    assert.equal(await pool.releaseByWorker('dead'), 2);
    assert.equal(await pool.releaseByWorker('dead'), 0);
    assert.equal(await pool.releaseByWorker('nobody'), 0);
    const [poisoned, back] = await Promise.all(mine.map(({ id }) => pool.item(id)));
    assert.deepEqual([poisoned?.status, back?.status, back?.attempts], ['poisoned', 'pending', 1]);
    for (const item of [poisoned, back]) assert.match(item?.error ?? '', /\bdead\b/);
    await refused('lease-lost', pool.complete(mine[1]?.id as string, 1));
    assert.deepEqual(await pool.renew(mine), [false, false]);
    await pool.complete(theirs.id);
  }),

  'poisoned items are requeued, with all their attempts': inPool(async (pool) => {
    const ids = await pushAll(pool, 1, 2, 3);
    for (const item of await pool.claimMany('w', 3)) await pool.fail(item.id, 'bad', { poison: true });
    assert.equal(await pool.requeue([ids[1] as string, ids[1] as string, 'none', '\ud800']), 1);
    assert.equal(await pool.requeue([ids[1] as string]), 0);
    assert.equal(await pool.requeue([]), 0);
    const item = await pool.item(ids[1] as string);
    assert.deepEqual(
      [item?.status, item?.attempts, item?.error, item?.finished_at],
      ['pending', 0, 'bad', null],
    );
    const again = await claimed(pool);
    assert.equal(again.attempts, 1);
    await pool.complete(again.id);
    assert.equal(await pool.requeue(), 2);
    assert.deepEqual(await drained(pool), [1, 3]);
  }),
};

const looking: Record<string, SetCase> = {
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

/** Cases of {@link WorkBackend} on one open set. */
export const workCases: Readonly<Record<string, SetCase>> = { ...claiming, ...ending, ...leases, ...looking };
