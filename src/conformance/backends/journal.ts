import assert from 'node:assert/strict';
import { stepKey } from '../../machine/snapshot.ts';
import type { JsonValue } from '../../types.ts';
import { acquired, HOSTILE_IDS, INVALID_IDS, refused, type SetCase, snapshotOf } from './place.ts';

/** Cases of {@link JournalBackend} on one open set. */
export const journalCases: Readonly<Record<string, SetCase>> = {
  'entries come back in the order they were added': async ({ journal }) => {
    const keys = [
      'z',
      'a',
      'call.0/turn.10',
      'call.0/turn.9',
      '',
      'a b',
      '__proto__',
      'ключ🗝️',
      'nul\u0000',
      '10',
      '9',
    ];
    for (const key of keys) await journal.append('job', 1, key, { of: key }, null);
    const entries = await journal.entries('job', 1);
    assert.deepEqual([...entries.keys()], keys);
    for (const key of keys) assert.deepEqual(entries.get(key), { of: key });
  },

  'entries added at once are all kept, in the order they were asked for': async ({ journal }) => {
    const keys = Array.from({ length: 100 }, (_, n) => `item.${(n * 37) % 100}`);
    await Promise.all(keys.map((key, n) => journal.append('job', 1, key, n, null)));
    assert.deepEqual([...(await journal.entries('job', 1)).keys()], keys);
  },

  'each piece of work has its own': async ({ journal }) => {
    await journal.append('job', 1, 'k', 'one', null);
    await journal.append('job', 2, 'k', 'two', null);
    await journal.append('job-1', 1, 'k', 'other', null);
    assert.deepEqual([...(await journal.entries('job', 1))], [['k', 'one']]);
    assert.deepEqual([...(await journal.entries('job', 2))], [['k', 'two']]);
    assert.deepEqual([...(await journal.entries('job', 3))], []);
    assert.deepEqual([...(await journal.entries('nobody', 1))], []);
  },

  'an entry is written once': async ({ journal }) => {
    const writers = Array.from({ length: 10 }, (_, n) =>
      journal.append('job', 1, 'k', n, null).then(
        () => n,
        (error: { code?: string }) => assert.equal(error.code, 'step-conflict') ?? null,
      ),
    );
    const won = (await Promise.all(writers)).filter((n) => n !== null);
    assert.equal(won.length, 1);
    assert.deepEqual([...(await journal.entries('job', 1)).values()], won);
  },

  'what is handed out and what was handed in are copies': async ({ journal }) => {
    const value = { list: [1] };
    await journal.append('job', 1, 'k', value, null);
    value.list.push(2);
    ((await journal.entries('job', 1)).get('k') as typeof value).list.push(3);
    assert.deepEqual((await journal.entries('job', 1)).get('k'), { list: [1] });
  },

  'a fence that is not the newest of its key is refused': async (set) => {
    const old = await acquired(set, 'job');
    await set.journal.append('job', 1, 'a', 1, old);
    await set.locking.release('job');
    await refused('lease-lost', set.journal.append('job', 1, 'b', 1, old));
    const current = await acquired(set, 'job');
    await refused('lease-lost', set.journal.append('job', 1, 'b', 1, old));
    await refused('lease-lost', set.journal.append('job', 1, 'a', 1, old));
    await set.journal.append('job', 1, 'b', 2, current);
    assert.deepEqual(
      [...(await set.journal.entries('job', 1))],
      [
        ['a', 1],
        ['b', 2],
      ],
    );
  },

  'it goes with the step that ends the work, and earlier work goes too': async ({ journal, persistence }) => {
    for (const work of [1, 2, 3]) await journal.append('job', work, 'k', work, null);
    await journal.append('job-1', 1, 'k', 1, null);
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    assert.equal((await journal.entries('job', 1)).size, 1);
    const over = { work: 2, signal: 'consumed' } as const;
    await persistence.save(stepKey('job', 1), snapshotOf('job', 1), { over });
    assert.equal((await journal.entries('job', 1)).size, 0);
    assert.equal((await journal.entries('job', 2)).size, 0);
    assert.equal((await journal.entries('job', 3)).size, 1);
    assert.equal((await journal.entries('job-1', 1)).size, 1);
    await journal.append('job', 2, 'k', 'anew', null);
    assert.deepEqual((await journal.entries('job', 2)).get('k'), 'anew');
  },

  'it stays when the step is refused': async (set) => {
    const { journal, persistence, locking } = set;
    const over = { work: 1, signal: 'consumed' } as const;
    const stale = await acquired(set, 'job');
    await journal.append('job', 1, 'k', 1, stale);
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence: stale });
    await refused('step-conflict', persistence.save(stepKey('job', 0), snapshotOf('job', 0), { over }));
    await locking.release('job');
    await refused(
      'lease-lost',
      persistence.save(stepKey('job', 1), snapshotOf('job', 1), { over, fence: stale }),
    );
    assert.equal((await journal.entries('job', 1)).size, 1);
  },

  'it goes with the execution': async ({ journal, persistence }) => {
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    await journal.append('job', 1, 'k', 1, null);
    await journal.append('job', 7, 'k', 1, null);
    await journal.append('job-1', 1, 'k', 1, null);
    await persistence.deleteExecution('job');
    assert.equal((await journal.entries('job', 1)).size, 0);
    assert.equal((await journal.entries('job', 7)).size, 0);
    assert.equal((await journal.entries('job-1', 1)).size, 1);
  },

  'ids and keys that could not be told apart are refused, hostile ones are not': async ({ journal }) => {
    for (const id of INVALID_IDS) {
      await refused('invalid-id', journal.append(id, 1, 'k', 1, null));
      await refused('invalid-id', journal.entries(id, 1));
    }
    await refused('invalid-id', journal.append('job', 1, 'lone \ud800', 1, null));
    for (const id of HOSTILE_IDS) await journal.append(id, 1, id, id, null);
    for (const id of HOSTILE_IDS) assert.deepEqual([...(await journal.entries(id, 1))], [[id, id]]);
  },

  'values of every kind and size come back as they were': async ({ journal }) => {
    const values: JsonValue[] = [
      null,
      false,
      0,
      '',
      [],
      {},
      JSON.parse('{"__proto__":{"a":1},"":3,"n":-0.1e-7}') as JsonValue,
      { lone: '\ud800', emoji: '👩‍👩‍👧', nul: '\u0000', line: '\u2028' },
      'ü'.repeat(16 * 1024 * 1024),
    ];
    for (const [n, value] of values.entries()) await journal.append('job', 1, `k${n}`, value, null);
    const entries = await journal.entries('job', 1);
    for (const [n, value] of values.entries()) {
      assert.ok(JSON.stringify(entries.get(`k${n}`)) === JSON.stringify(value), `value ${n} differs`);
    }
    await refused('not-json', journal.append('job', 1, 'f', (() => 1) as unknown as JsonValue, null));
  },
};
