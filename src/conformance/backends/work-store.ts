import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewClaim, NewItem, StoredFinish, WorkStore } from '../../backends/work-store.ts';

/** What a case does with an empty store of work. */
export type WorkStoreCase = (store: WorkStore) => Promise<void>;

function itemOf(nonce: string, fields: Partial<NewItem> = {}): NewItem {
  return { nonce, data: '1', max_retries: 3, delay: 0, priority: 0, dedupe: null, ...fields };
}

function claimOf(claim_token: string, count = 1, lease = 60_000): NewClaim {
  return { worker_id: 'w', count, lease, claim_token, fresh: false };
}

function finishOf(id: string, claim_token: string, fields: Partial<StoredFinish> = {}): StoredFinish {
  return { id, claim_token, status: 'done', result: '1', error: null, delay: 0, poison: false, ...fields };
}

/**
 * That every write may be asked again after a connection broke, without knowing whether it was done. For stores whose writes can have an unknown outcome;
 * what they mean when asked once is tested through `backendConformance`.
 */
export const workStoreCases: Readonly<Record<string, WorkStoreCase>> = {
  'items pushed again are stored once, and have the same ids': async (store) => {
    const items = [itemOf('a'), itemOf('b', { dedupe: 'd' }), itemOf('c', { delay: 60_000 })];
    const ids = await store.push('pool', items);
    assert.deepEqual(await store.push('pool', items), ids);
    assert.deepEqual(
      await store.push('pool', [itemOf('d'), ...items.slice(1)]).then((all) => all.slice(1)),
      ids.slice(1),
    );
    const { pending, delayed } = await store.counts('pool');
    assert.deepEqual([pending, delayed], [3, 1]);
  },

  'items pushed again after they were claimed are not stored again': async (store) => {
    const ids = await store.push('pool', [itemOf('a')]);
    const { claimed } = await store.exchange('pool', [], claimOf('t'));
    assert.deepEqual(await store.push('pool', [itemOf('a')]), ids);
    await store.exchange('pool', [finishOf(claimed[0]?.id as string, 't')], null);
    assert.deepEqual(await store.push('pool', [itemOf('a')]), ids);
    const { pending, done } = await store.counts('pool');
    assert.deepEqual([pending, done], [0, 1]);
  },

  'a claim asked again gives the same items': async (store) => {
    await store.push(
      'pool',
      ['a', 'b', 'c'].map((nonce) => itemOf(nonce)),
    );
    const first = await store.exchange('pool', [], claimOf('t', 2));
    const again = await store.exchange('pool', [], claimOf('t', 2));
    assert.deepEqual(
      again.claimed.map(({ id, attempts }) => [id, attempts]),
      first.claimed.map(({ id, attempts }) => [id, attempts]),
    );
    assert.equal(again.claimed.length, 2);
    assert.equal((await store.counts('pool')).pending, 1);
  },

  'an exchange asked again has ended and claimed once': async (store) => {
    const ids = await store.push(
      'pool',
      ['a', 'b', 'c', 'd'].map((nonce) => itemOf(nonce)),
    );
    await store.exchange('pool', [], claimOf('one', 2));
    const finishes = [
      finishOf(ids[0] as string, 'one'),
      finishOf(ids[1] as string, 'one', { status: 'failed', error: 'e', poison: true }),
      finishOf(ids[2] as string, 'one'),
      finishOf('000000999999', 'one'),
    ];
    const first = await store.exchange('pool', finishes, claimOf('two', 1));
    const again = await store.exchange('pool', finishes, claimOf('two', 1));
    assert.deepEqual(first.outcomes, ['ok', 'ok', 'lost', 'absent']);
    assert.deepEqual(again.outcomes, first.outcomes);
    assert.deepEqual(
      again.claimed.map(({ id }) => id),
      [ids[2]],
    );
    const { done, poisoned, claimed, pending } = await store.counts('pool');
    assert.deepEqual([done, poisoned, claimed, pending], [1, 1, 1, 1]);
  },

  'a failure told again does not count again, nor end the next attempt': async (store) => {
    const [id] = (await store.push('pool', [itemOf('a')])) as [string];
    await store.exchange('pool', [], claimOf('one'));
    const failure = finishOf(id, 'one', { status: 'failed', result: null, error: 'e' });
    await store.exchange('pool', [failure], null);
    await store.exchange('pool', [], claimOf('two'));
    assert.deepEqual((await store.exchange('pool', [failure], null)).outcomes, ['ok']);
    const [item] = await store.items('pool', { ids: [id] });
    assert.deepEqual([item?.status, item?.attempts], ['claimed', 2]);
  },

  'a release told again does not take a second attempt away': async (store) => {
    const [id] = (await store.push('pool', [itemOf('a')])) as [string];
    await store.exchange('pool', [], claimOf('one'));
    await store.exchange('pool', [finishOf(id, 'one', { status: 'failed' })], null);
    await store.exchange('pool', [], claimOf('two'));
    const release = finishOf(id, 'two', { status: 'released', result: null });
    await store.exchange('pool', [release], null);
    assert.deepEqual((await store.exchange('pool', [release], null)).outcomes, ['ok']);
    const [item] = await store.items('pool', { ids: [id] });
    assert.deepEqual([item?.status, item?.attempts], ['pending', 1]);
    assert.deepEqual((await store.exchange('pool', [finishOf(id, 'two')], null)).outcomes, ['lost']);
  },

  'an end told again after its lease is over is still known': async (store) => {
    const [id] = (await store.push('pool', [itemOf('a')])) as [string];
    await store.exchange('pool', [], claimOf('one', 1, 100));
    assert.deepEqual((await store.exchange('pool', [finishOf(id, 'one')], null)).outcomes, ['ok']);
    await sleep(200);
    assert.deepEqual((await store.exchange('pool', [finishOf(id, 'one')], null)).outcomes, ['ok']);
  },
};
