import assert from 'node:assert/strict';
import type { JsonValue } from '../../types.ts';
import { HOSTILE_IDS, refused, type SetCase } from './place.ts';

/** Cases of {@link ResultBackend} on one open set. */
export const resultCases: Readonly<Record<string, SetCase>> = {
  'what was written is read': async ({ results }) => {
    const values: JsonValue[] = [
      null,
      0,
      '',
      false,
      [],
      { a: [{ b: null }] },
      '🗝\u0000\ud800',
      'x'.repeat(2_000_000),
    ];
    for (const value of values) {
      await results.write('flatagents://job/result', value);
      assert.deepEqual(await results.read('flatagents://job/result'), value);
    }
  },

  'a missing path is the result': async ({ results }) => {
    await results.write('flatagents://job', 1);
    assert.equal(await results.read('flatagents://job/result'), 1);
    await results.write('flatagents://job/', 2);
    assert.equal(await results.read('flatagents://job'), 2);
    await results.write('flatagents://job/checkpoint', 3);
    assert.equal(await results.read('flatagents://job'), 2);
    assert.equal(await results.read('flatagents://job/checkpoint'), 3);
  },

  'what is no result URI is refused': async ({ results }) => {
    for (const uri of ['', 'job', 'http://job/result', 'flatagents:/job/result']) {
      await refused('usage', results.read(uri));
      await refused('usage', results.write(uri, 1));
    }
    await refused('invalid-id', results.read('flatagents://'));
    await refused('invalid-id', results.read('flatagents://../result'));
  },

  'what is not there is undefined': async ({ results }) => {
    assert.equal(await results.read('flatagents://job/result'), undefined);
    assert.equal(await results.exists('flatagents://job/result'), false);
    await results.delete('flatagents://job/result');
    await results.write('flatagents://job/result', null);
    assert.equal(await results.exists('flatagents://job/result'), true);
    await results.delete('flatagents://job/result');
    assert.equal(await results.exists('flatagents://job/result'), false);
  },

  'a blocked reader wakes on write': async ({ results }) => {
    const readers = [1, 2, 3].map(() =>
      results.read('flatagents://job/result', { block: true, timeout: 10_000 }),
    );
    const other = results.read('flatagents://job-1/result', { block: true, timeout: 150 });
    const otherEnds = refused('timeout', other);
    const written = performance.now();
    await results.write('flatagents://job/result', { ok: [1] });
    assert.deepEqual(await Promise.all(readers), [{ ok: [1] }, { ok: [1] }, { ok: [1] }]);
    assert.ok(performance.now() - written < 1000);
    await otherEnds;
  },

  'each reader has its own copy': async ({ results }) => {
    const data = { list: [1] };
    const reader = results.read('flatagents://job/result', { block: true, timeout: 10_000 });
    await results.write('flatagents://job/result', data);
    data.list.push(2);
    ((await reader) as { list: number[] }).list.push(3);
    assert.deepEqual(await results.read('flatagents://job/result'), { list: [1] });
  },

  'a timeout is kept': async ({ results }) => {
    const start = performance.now();
    await refused('timeout', results.read('flatagents://job/result', { block: true, timeout: 100 }));
    const waited = performance.now() - start;
    assert.ok(waited >= 95 && waited < 2000, `${waited} ms`);
  },

  'hostile ids are ordinary ids': async ({ results }) => {
    for (const [n, id] of HOSTILE_IDS.entries()) await results.write(`flatagents://${id}/result`, n);
    for (const [n, id] of HOSTILE_IDS.entries())
      assert.equal(await results.read(`flatagents://${id}/result`), n);
  },
};
