import assert from 'node:assert/strict';
import { acquired, HOSTILE_IDS, type SetCase } from './place.ts';

/** Cases of {@link ExecutionLock} on one open set. */
export const lockingCases: Readonly<Record<string, SetCase>> = {
  'a key is held by one': async ({ locking }) => {
    assert.equal(locking.lease('job'), null);
    assert.equal(await locking.holder('job'), null);
    assert.equal(await locking.acquire('job'), true);
    assert.equal(await locking.acquire('job'), false);
    assert.equal(await locking.acquire('job-1'), true);
    const holder = await locking.holder('job');
    assert.match(holder?.owner ?? '', new RegExp(`^${process.pid}@.`));
    assert.equal(holder?.token, locking.lease('job')?.token);
    assert.ok((holder?.expires_in ?? 0) > 0);
    assert.ok(Math.abs(Date.parse(holder?.acquired_at ?? '') - Date.now()) < 60_000);
  },

  'of many that ask at once one gets it': async ({ locking }) => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => locking.acquire('job')));
    assert.equal(answers.filter(Boolean).length, 1);
  },

  'released, it can be acquired again, with a greater token': async (set) => {
    let last = 0;
    for (let round = 0; round < 5; round++) {
      const { token } = await acquired(set, 'job');
      assert.ok(token > last, `${token} after ${last}`);
      last = token;
      await set.locking.release('job');
      assert.equal(set.locking.lease('job'), null);
      assert.equal(await set.locking.holder('job'), null);
    }
  },

  'tokens grow across the deletion of the execution too': async (set) => {
    const first = await acquired(set, 'job');
    await set.locking.release('job');
    await set.persistence.deleteExecution('job');
    assert.ok((await acquired(set, 'job')).token > first.token);
  },

  'a release of what is not held is harmless': async (set) => {
    await set.locking.release('job');
    await acquired(set, 'job');
    await set.locking.release('other');
    assert.equal(await set.locking.acquire('job'), false);
  },

  'hostile keys are ordinary keys': async (set) => {
    for (const key of HOSTILE_IDS) await acquired(set, key);
    for (const key of HOSTILE_IDS) assert.equal(await set.locking.acquire(key), false);
  },

  'a closed set ends its leases and says so to their holders': async (set) => {
    await acquired(set, 'job');
    const signal = set.locking.lease('job')?.signal;
    await set.close();
    assert.equal(signal?.aborted, true);
    assert.equal((signal?.reason as { code?: string } | undefined)?.code, 'lease-lost');
    assert.equal(set.locking.lease('job'), null);
  },
};
