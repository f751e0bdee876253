import assert from 'node:assert/strict';
import type { BackendSet } from '../../backends/interfaces.ts';
import { stepKey } from '../../machine/snapshot.ts';
import { acquired, type BackendPlace, eventOf, refused, saveSteps, snapshotOf } from './place.ts';

/** A case over a store that several sets share. */
export type SharedCase = (place: BackendPlace) => Promise<void>;

/** Opens two sets, and closes them afterwards. */
export async function withTwo(
  place: BackendPlace,
  work: (a: BackendSet, b: BackendSet) => Promise<void>,
): Promise<void> {
  const a = await place.open();
  const b = await place.open();
  try {
    await work(a, b);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** Cases for stores that sets share and that outlive them. */
export const sharingCases: Readonly<Record<string, SharedCase>> = {
  'everything is there after a restart': async (place) => {
    const before = await place.open();
    const fence = await acquired(before, 'job');
    await before.persistence.save(stepKey('job', 0), snapshotOf('job', 0), {
      fence,
      events: [eventOf('job', 0)],
    });
    await before.persistence.requestCancel('job');
    await before.results.write('flatagents://job/result', { ok: true });
    await before.close();
    await before.close();

    const after = await place.open();
    assert.deepEqual(await after.persistence.history('job'), [
      { snapshot: snapshotOf('job', 0), events: [eventOf('job', 0)] },
    ]);
    assert.equal(await after.persistence.cancelRequested('job'), true);
    assert.deepEqual(await after.results.read('flatagents://job/result'), { ok: true });
    assert.ok((await acquired(after, 'job')).token > fence.token);
    await refused('lease-lost', after.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence }));
    await after.persistence.save(stepKey('job', 1), snapshotOf('job', 1));
    await refused('step-conflict', after.persistence.save(stepKey('job', 0), snapshotOf('job', 0)));
    await after.close();
  },

  'what was asked for before the close is written': async (place) => {
    const before = await place.open();
    const saves = Array.from({ length: 20 }, (_, n) =>
      before.persistence.save(stepKey(`job-${n}`, 0), snapshotOf(`job-${n}`, 0)),
    );
    await before.close();
    await Promise.all(saves);
    await refused('backend', before.persistence.save(stepKey('late', 0), snapshotOf('late', 0)));
    await refused('backend', before.persistence.latest('job-0'));
    const after = await place.open();
    assert.equal((await after.persistence.executions()).length, 20);
    await after.close();
  },

  'sets exclude each other': (place) =>
    withTwo(place, async (a, b) => {
      const fence = await acquired(a, 'job');
      assert.equal(await b.locking.acquire('job'), false);
      assert.equal(b.locking.lease('job'), null);
      assert.equal((await b.locking.holder('job'))?.token, fence.token);
      await b.locking.release('job');
      assert.equal(await b.locking.acquire('job'), false);
      await a.locking.release('job');
      const next = await acquired(b, 'job');
      assert.ok(next.token > fence.token);
      await refused('lease-lost', a.persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence }));
    }),

  'a lease that was asked for while its set closed is free': async (place) => {
    const closing = await place.open();
    const answers = [1, 2, 3].map((n) => closing.locking.acquire(`job-${n}`).catch(() => false));
    await closing.close();
    await Promise.all(answers);
    const next = await place.open();
    for (const n of [1, 2, 3]) await acquired(next, `job-${n}`);
    await next.close();
  },

  'a step is written once among sets': (place) =>
    withTwo(place, async (a, b) => {
      await saveSteps(a, 'job', 0, 3);
      await refused('step-conflict', b.persistence.save(stepKey('job', 3), snapshotOf('job', 3)));
      await saveSteps(b, 'job', 4, 4);
      await refused('step-conflict', a.persistence.save(stepKey('job', 4), snapshotOf('job', 4)));
      assert.equal((await a.persistence.latest('job'))?.step, 4);
    }),

  'an execution that another set deleted can begin anew': (place) =>
    withTwo(place, async (a, b) => {
      await saveSteps(a, 'job', 0, 2);
      await b.persistence.deleteExecution('job');
      await saveSteps(b, 'other', 0, 0);
      await saveSteps(a, 'job', 3, 3);
      assert.deepEqual(await b.persistence.list(''), [stepKey('job', 3), stepKey('other', 0)]);
    }),

  'a result wakes the readers of another set': (place) =>
    withTwo(place, async (a, b) => {
      const reader = b.results.read('flatagents://job/result', { block: true, timeout: 10_000 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      await a.results.write('flatagents://job/result', 1);
      assert.equal(await reader, 1);
    }),
};
