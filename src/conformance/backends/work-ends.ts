import assert from 'node:assert/strict';
import type { ClaimedItem } from '../../backends/interfaces.ts';
import { refused, type SetCase } from './place.ts';
import { claimed, inPool, near, pushAll, runOut, SHORT, statusOf } from './work-bench.ts';

/** Cases of how attempts end. */
export const endCases: Readonly<Record<string, SetCase>> = {
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

  'of two ends of one claim in one exchange the first counts': inPool(async (pool) => {
    const [a, b] = (await pushAll(pool, 1, 2)) as [string, string];
    await pool.claimMany('w', 2);
    const { lost } = await pool.exchange(
      [
        { id: a, status: 'done', result: 'first' },
        { id: a, status: 'done', result: 'second' },
        { id: b, status: 'failed', error: 'first' },
        { id: b, status: 'failed', error: 'second' },
      ],
      'w',
      0,
    );
    assert.deepEqual(lost, []);
    assert.equal((await pool.item(a))?.result, 'first');
    const failed = await pool.item(b);
    assert.deepEqual([failed?.status, failed?.error, failed?.attempts], ['pending', 'first', 1]);
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
