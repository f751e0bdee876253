import assert from 'node:assert/strict';
import type { ClaimedItem } from '../../backends/interfaces.ts';
import { refused, type SetCase } from './place.ts';
import { claimed, drained, inPool, near, pushAll, runOut, SHORT } from './work-bench.ts';

/** Cases of claims that run out, and of what is put back. */
export const leaseCases: Readonly<Record<string, SetCase>> = {
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

  'many that one worker had are put back, also those whose lease has run out': inPool(async (pool) => {
    await pool.pushMany(
      Array.from({ length: 1200 }, (_, n) => ({ data: n, options: { max_retries: 1 + (n % 2) } })),
    );
    await pool.claimMany('other', 10);
    const [first] = await pool.claimMany('w', 1190, { lease: SHORT });
    await runOut(pool);
    assert.equal(await pool.remove([first?.id as string]), 0);
    assert.equal(await pool.releaseByWorker('w'), 1190);
    assert.equal(await pool.releaseByWorker('w'), 0);
    assert.deepEqual(await pool.counts(), { pending: 595, delayed: 0, claimed: 10, done: 0, poisoned: 595 });
    assert.equal(await pool.size(), 595);
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
