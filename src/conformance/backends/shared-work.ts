import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { refused } from './place.ts';
import { type SharedCase, withTwo } from './sharing.ts';
import { claimed, runOut } from './work-bench.ts';

/** Cases of work pools and the register on a store that several sets share. */
export const sharedWorkCases: Readonly<Record<string, SharedCase>> = {
  'work and workers are there after a restart': async (place) => {
    const before = await place.open();
    const pool = before.work.pool('pool');
    const ids = await pool.pushMany([
      { data: 'done' },
      { data: 'claimed' },
      { data: 'pending', options: { dedupe: 'd', priority: -1 } },
      { data: 'delayed', options: { delay: 3_600_000 } },
    ]);
    await claimed(pool);
    await pool.complete(ids[0] as string, { r: 1 });
    const held = await claimed(pool, 'survivor');
    await before.registration.register({ worker_id: 'w', started_at: '2026-01-01T00:00:00.000Z' });
    await before.registration.markLost('w', 0);
    await before.close();

    const after = await place.open();
    const again = after.work.pool('pool');
    assert.deepEqual(await after.work.pools(), ['pool']);
    assert.deepEqual(await again.counts(), { pending: 1, delayed: 1, claimed: 1, done: 1, poisoned: 0 });
    assert.deepEqual((await again.item(ids[0] as string))?.result, { r: 1 });
    assert.equal(await again.push('again', { dedupe: 'd' }), ids[2]);
    await refused('lease-lost', again.complete(held.id));
    await again.complete(held.id, 1, held);
    assert.equal((await claimed(again)).data, 'pending');
    await refused('lease-lost', after.registration.heartbeat('w'));
    await after.close();
  },

  'sets claim each item once': (place) =>
    withTwo(place, async (a, b) => {
      await a.work.pool('pool').pushMany(Array.from({ length: 100 }, (_, data) => ({ data })));
      const drain = async (set: typeof a, worker: string) => {
        const pool = set.work.pool('pool');
        const taken: string[] = [];
        for (let [item] = await pool.claimMany(worker, 1); item; ) {
          taken.push(item.id);
          [item] = (await pool.exchange([{ id: item.id, status: 'done' }], worker, 1)).claimed;
        }
        return taken;
      };
      const taken = (await Promise.all([a, b, a, b].map((set, n) => drain(set, `w-${n}`)))).flat();
      assert.equal(taken.length, 100);
      assert.equal(new Set(taken).size, 100);
      assert.equal((await b.work.pool('pool').counts()).done, 100);
    }),

  'a claim is held against other sets, until it runs out': (place) =>
    withTwo(place, async (a, b) => {
      const id = await a.work.pool('pool').push('x');
      const first = await claimed(a.work.pool('pool'), 'a', 250);
      assert.equal(await b.work.pool('pool').claim('b'), null);
      await refused('lease-lost', b.work.pool('pool').complete(id));
      assert.deepEqual(await b.work.pool('pool').renew([first], 250), [true]);
      await runOut(b.work.pool('pool'));
      assert.equal((await claimed(b.work.pool('pool'), 'b')).attempts, 2);
      await refused('lease-lost', a.work.pool('pool').complete(id));
      await b.work.pool('pool').complete(id);
    }),

  'who watches hears of what another set does': (place) =>
    withTwo(place, async (a, b) => {
      let told = 0;
      const stop = b.work.pool('pool').watch(() => told++);
      const tells = async (what: string, does: Promise<unknown>) => {
        const before = told;
        await does;
        for (const end = Date.now() + 5_000; told === before && Date.now() < end; ) await sleep(2);
        assert.ok(told > before, `it tells of ${what}`);
        await sleep(60);
      };
      await sleep(100);
      const pool = a.work.pool('pool');
      await tells('a push', pool.push(1));
      await tells(
        'a failure',
        claimed(pool).then(({ id }) => pool.fail(id)),
      );
      await tells(
        'an end',
        claimed(pool).then(({ id }) => pool.complete(id)),
      );
      stop();
    }),

  'the register is one for all sets': (place) =>
    withTwo(place, async (a, b) => {
      const started_at = '2026-01-01T00:00:00.000Z';
      await a.registration.register({ worker_id: 'w', started_at, metadata: { a: 1 } });
      await b.registration.heartbeat('w', { b: 2 }, 'item');
      const seen = await a.registration.get('w');
      assert.deepEqual([seen?.metadata, seen?.current_task_id], [{ a: 1, b: 2 }, 'item']);
      const answers = await Promise.all([a, b, a, b].map((set) => set.registration.markLost('w', 0)));
      assert.equal(answers.filter(Boolean).length, 1);
      await refused('lease-lost', a.registration.heartbeat('w'));
    }),
};
