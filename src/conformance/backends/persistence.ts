import assert from 'node:assert/strict';
import { DEFAULT_KEEP } from '../../backends/keys.ts';
import { stepKey } from '../../machine/snapshot.ts';
import type { JsonObject } from '../../types.ts';
import {
  acquired,
  eventOf,
  HOSTILE_IDS,
  INVALID_IDS,
  keptSteps,
  refused,
  type SetCase,
  saveSteps,
  snapshotOf,
} from './place.ts';

/** Cases of {@link PersistenceBackend} and its fence, on one open set. */
export const persistenceCases: Readonly<Record<string, SetCase>> = {
  'what was saved is loaded, every field of it': async ({ persistence }) => {
    const full = snapshotOf('job', 0, {
      event: 'state_exit',
      output: { deep: [1, null, 'x'] },
      total_api_calls: 3,
      total_cost: 0.25,
      parent_execution_id: 'parent',
      pending_launches: [{ execution_id: 'job.0.0', machine: 'm', input: {}, launched: false }],
      deadline: 1_767_225_600_000,
      error: {
        error_type: 'E',
        code: 'timeout',
        message: 'm',
        state: 's',
        step: 0,
        causes: ['a'],
        details: [1],
      },
      machine_file: '/somewhere/m.yml',
      machine_path: ['outer', 'inner'],
      options: { runner: 'docker' },
      depth: 2,
    });
    await persistence.save(stepKey('job', 0), full);
    assert.deepEqual(await persistence.load(stepKey('job', 0)), full);
    assert.deepEqual(await persistence.latest('job'), full);
    assert.deepEqual(
      (await persistence.history('job')).map((record) => record.snapshot),
      [full],
    );
  },

  'fields it does not know are kept': async ({ persistence }) => {
    const later = { ...snapshotOf('job', 0), from_a_later_version: { x: 1 } };
    await persistence.save(stepKey('job', 0), later);
    assert.deepEqual(await persistence.latest('job'), later);
  },

  'fields that seldom change may change': async ({ persistence }) => {
    const changes = [
      {},
      { config_hash: 'other' },
      { options: { runner: 'local' } },
      { input: { of: 'new' } },
      {},
    ];
    for (const [step, change] of changes.entries()) {
      await persistence.save(stepKey('job', step), snapshotOf('job', step, change));
    }
    for (const [step, change] of changes.entries()) {
      assert.deepEqual(await persistence.load(stepKey('job', step)), snapshotOf('job', step, change));
    }
  },

  'what is handed out is a copy': async ({ persistence }) => {
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0), { events: [eventOf('job', 0)] });
    const first = await persistence.latest('job');
    (first as { context: JsonObject }).context.step = 'spoiled';
    const [record] = await persistence.history('job');
    (record as { events: unknown[] }).events.length = 0;
    assert.deepEqual(await persistence.latest('job'), snapshotOf('job', 0));
    assert.equal((await persistence.history('job'))[0]?.events.length, 1);
  },

  'nothing is there that was not saved': async ({ persistence }) => {
    assert.equal(await persistence.latest('nobody'), null);
    assert.equal(await persistence.load(stepKey('nobody', 0)), null);
    assert.equal(await persistence.load('no key'), null);
    assert.deepEqual(await persistence.history('nobody'), []);
    assert.deepEqual(await persistence.list(''), []);
    assert.deepEqual(await persistence.executions(), []);
    assert.equal(await persistence.cancelRequested('nobody'), false);
    await persistence.delete(stepKey('nobody', 0));
    await persistence.deleteExecution('nobody');
    await persistence.requestCancel('nobody');
  },

  'a step is written once': async ({ persistence }) => {
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    const other = snapshotOf('job', 0, { context: { other: true }, config_hash: 'other' });
    await refused('step-conflict', persistence.save(stepKey('job', 0), other));
    assert.deepEqual(await persistence.history('job'), [{ snapshot: snapshotOf('job', 0), events: [] }]);
  },

  'of many writers of one step one wins, and the others are told': async ({ persistence }) => {
    const writers = Array.from({ length: 20 }, (_, n) =>
      persistence.save(stepKey('job', 0), snapshotOf('job', 0, { context: { n } })).then(
        () => n,
        () => null,
      ),
    );
    const won = (await Promise.all(writers)).filter((n) => n !== null);
    assert.equal(won.length, 1);
    assert.deepEqual((await persistence.latest('job'))?.context, { n: won[0] as number });
  },

  'a refused write does not harm its neighbours': async ({ persistence }) => {
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    const outcomes = await Promise.allSettled([
      persistence.save(stepKey('before', 0), snapshotOf('before', 0)),
      persistence.save(stepKey('job', 0), snapshotOf('job', 0)),
      persistence.save(stepKey('fenced', 0), snapshotOf('fenced', 0), {
        fence: { key: 'fenced', token: 99 },
      }),
      persistence.save(stepKey('after', 0), snapshotOf('after', 0)),
    ]);
    assert.deepEqual(
      outcomes.map((o) => o.status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(
      await persistence.list(''),
      ['after', 'before', 'job'].map((id) => stepKey(id, 0)),
    );
  },

  'the key must be the snapshot’s own': async ({ persistence }) => {
    await refused('usage', persistence.save(stepKey('job', 1), snapshotOf('job', 0)));
    await refused('usage', persistence.save(stepKey('other', 0), snapshotOf('job', 0)));
    assert.deepEqual(await persistence.list(''), []);
  },

  'a fence that is not the newest of its key is refused': async (set) => {
    const { persistence, locking } = set;
    const old = await acquired(set, 'job');
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence: old });
    await locking.release('job');
    await refused('lease-lost', persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: old }));
    const current = await acquired(set, 'job');
    await refused('lease-lost', persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: old }));
    for (const key of ['other', '']) {
      const forged = { key, token: current.token };
      await refused(
        'lease-lost',
        persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: forged }),
      );
    }
    // Of a stale writer of a written step, the lost lease is what matters.
    await refused('lease-lost', persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence: old }));
    await persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: current });
    assert.deepEqual(await keptSteps(set, 'job'), [0, 1]);
  },

  'events are kept with their step': async ({ persistence }) => {
    const events = [
      eventOf('job', 0),
      eventOf('job', 0, 'work'),
      eventOf('job', 0, 'other'),
      eventOf('else', 7, 'x'),
    ];
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0), { events });
    await persistence.save(stepKey('job', 1), snapshotOf('job', 1));
    assert.deepEqual(await persistence.history('job'), [
      { snapshot: snapshotOf('job', 0), events },
      { snapshot: snapshotOf('job', 1), events: [] },
    ]);
  },

  'keys sort in time order and prefixes are exact': async (set) => {
    await saveSteps(set, 'job-10', 0, 0);
    await saveSteps(set, 'job-1', 0, 11);
    await set.persistence.save(stepKey('job-1', 1_000_000), snapshotOf('job-1', 1_000_000), {
      keep: Number.POSITIVE_INFINITY,
    });
    const keys = [
      ...Array.from({ length: 12 }, (_, step) => stepKey('job-1', step)),
      stepKey('job-1', 1_000_000),
    ];
    assert.deepEqual(await set.persistence.list('job-1/'), keys);
    assert.deepEqual(await set.persistence.list('job-1'), [...keys, stepKey('job-10', 0)]);
    assert.deepEqual(await set.persistence.list('job-1/step_00001'), keys.slice(10, 12));
    assert.deepEqual(await set.persistence.list('job-2'), []);
  },

  'keep leaves the newest': async (set) => {
    await saveSteps(set, 'job', 0, 9, 3);
    assert.deepEqual(await keptSteps(set, 'job'), [7, 8, 9]);
    await saveSteps(set, 'job', 10, 10, 1);
    assert.deepEqual(await keptSteps(set, 'job'), [10]);
    assert.equal((await set.persistence.executions())[0]?.created_at, snapshotOf('job', 0).created_at);
  },

  [`without keep, growth ends at ${DEFAULT_KEEP} steps or a little more`]: async (set) => {
    await saveSteps(set, 'job', 0, DEFAULT_KEEP + 250);
    const kept = await keptSteps(set, 'job');
    assert.ok(kept.length >= DEFAULT_KEEP && kept.length < DEFAULT_KEEP * 1.1, `${kept.length} kept`);
    assert.equal(kept.at(-1), DEFAULT_KEEP + 250);
    await saveSteps(set, 'all', 0, DEFAULT_KEEP + 100, Number.POSITIVE_INFINITY);
    assert.equal((await keptSteps(set, 'all')).length, DEFAULT_KEEP + 101);
  },

  'executions are listed by newest change, with where they stand': async ({ persistence }) => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    await persistence.save(stepKey('a', 0), snapshotOf('a', 0, { created_at: at(0) }));
    await persistence.save(
      stepKey('b', 0),
      snapshotOf('b', 0, { created_at: at(1), parent_execution_id: 'a' }),
    );
    await persistence.save(stepKey('c', 0), snapshotOf('c', 0, { created_at: at(2), status: 'waiting' }));
    const error = { error_type: 'E', code: 'c', message: 'broke', state: 'work', step: 1, causes: [] };
    const failed = { created_at: at(3), status: 'failed', next_state: null, error } as const;
    await persistence.save(stepKey('a', 1), snapshotOf('a', 1, failed));

    const ids = async (filter = {}) => (await persistence.executions(filter)).map((e) => e.execution_id);
    assert.deepEqual(await ids(), ['a', 'c', 'b']);
    assert.deepEqual(await ids({ limit: 2 }), ['a', 'c']);
    assert.deepEqual(await ids({ status: ['running'] }), ['b']);
    assert.deepEqual(await ids({ status: ['running', 'waiting'] }), ['c', 'b']);
    assert.deepEqual(await ids({ status: [] }), []);
    assert.deepEqual(await ids({ updated_before: at(2) }), ['b']);
    assert.deepEqual(await ids({ status: ['waiting'], updated_before: at(2) }), []);
    assert.deepEqual((await persistence.executions({ limit: 1 }))[0], {
      execution_id: 'a',
      machine_name: 'conformance',
      machine_file: null,
      status: 'failed',
      state: 'work',
      step: 1,
      parent_execution_id: null,
      created_at: at(0),
      updated_at: at(3),
      error: 'broke',
    });
  },

  'children are listed by their parent, and roots alone': async ({ persistence }) => {
    const children = ['a.0', 'a.1', 'b.0'];
    for (const id of ['a', 'b']) await persistence.save(stepKey(id, 0), snapshotOf(id, 0));
    for (const id of children) {
      const parent_execution_id = id.charAt(0);
      await persistence.save(stepKey(id, 0), snapshotOf(id, 0, { parent_execution_id }));
    }
    const done = { status: 'completed', next_state: null, parent_execution_id: 'a' } as const;
    await persistence.save(stepKey('a.1', 1), snapshotOf('a.1', 1, done));

    const ids = async (filter = {}) =>
      (await persistence.executions(filter)).map((e) => e.execution_id).sort();
    assert.deepEqual(await ids(), ['a', 'a.0', 'a.1', 'b', 'b.0']);
    assert.deepEqual(await ids({ parent: null }), ['a', 'b']);
    assert.deepEqual(await ids({ parent: 'a' }), ['a.0', 'a.1']);
    assert.deepEqual(await ids({ parent: 'a', status: ['completed'] }), ['a.1']);
    assert.deepEqual(await ids({ parent: 'a', limit: 1 }), ['a.1']);
    assert.deepEqual(await ids({ parent: 'a.0' }), []);
    assert.deepEqual(await ids({ parent: null, status: ['completed'] }), []);
  },

  'a step written after a newer one changes nothing about where the execution stands': async (set) => {
    const { persistence } = set;
    await persistence.save(
      stepKey('job', 2),
      snapshotOf('job', 2, { status: 'completed', next_state: null }),
    );
    const before = await persistence.executions();
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0), { keep: Number.POSITIVE_INFINITY });
    await persistence.save(stepKey('job', 1), snapshotOf('job', 1, { status: 'waiting' }));
    assert.equal((await persistence.latest('job'))?.step, 2);
    assert.deepEqual(await keptSteps(set, 'job'), [0, 1, 2]);
    assert.deepEqual(
      (await persistence.executions()).map(({ step, status, state, updated_at }) => [
        step,
        status,
        state,
        updated_at,
      ]),
      before.map(({ step, status, state, updated_at }) => [step, status, state, updated_at]),
    );
    assert.deepEqual(await persistence.executions({ status: ['running', 'waiting'] }), []);
  },

  'a deleted execution leaves nothing, and may begin anew': async (set) => {
    const { persistence, results } = set;
    for (const id of ['job', 'job-1']) {
      await persistence.save(stepKey(id, 0), snapshotOf(id, 0));
      await persistence.requestCancel(id);
      await results.write(`flatagents://${id}/result`, id);
    }
    await persistence.deleteExecution('job');
    assert.deepEqual(await persistence.list(''), [stepKey('job-1', 0)]);
    assert.equal(await persistence.latest('job'), null);
    assert.equal(await persistence.cancelRequested('job'), false);
    assert.equal(await results.exists('flatagents://job/result'), false);
    assert.equal(await results.read('flatagents://job-1/result'), 'job-1');
    await persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    await persistence.save(stepKey('job', 1), snapshotOf('job', 1));
    assert.deepEqual(await keptSteps(set, 'job'), [0, 1]);
  },

  'a deleted record is gone, the others stay': async (set) => {
    await saveSteps(set, 'job', 0, 2);
    await set.persistence.delete(stepKey('job', 2));
    assert.deepEqual(await keptSteps(set, 'job'), [0, 1]);
    assert.equal((await set.persistence.latest('job'))?.step, 1);
    await set.persistence.save(stepKey('job', 2), snapshotOf('job', 2));
    assert.equal((await set.persistence.latest('job'))?.step, 2);
  },

  'a request to cancel stays until it is withdrawn': async (set) => {
    await saveSteps(set, 'job', 0, 0);
    assert.equal(await set.persistence.cancelRequested('job'), false);
    await set.persistence.requestCancel('job');
    await saveSteps(set, 'job', 1, 1);
    assert.equal(await set.persistence.cancelRequested('job'), true);
    assert.equal(await set.persistence.cancelRequested('job-1'), false);
    await set.persistence.withdrawCancel('job');
    assert.equal(await set.persistence.cancelRequested('job'), false);
  },

  'hostile ids are ordinary ids': async (set) => {
    for (const id of HOSTILE_IDS) await saveSteps(set, id, 0, 1);
    for (const id of HOSTILE_IDS) {
      assert.deepEqual(await set.persistence.latest(id), snapshotOf(id, 1));
      assert.deepEqual(await set.persistence.list(`${id}/`), [stepKey(id, 0), stepKey(id, 1)]);
    }
    assert.equal((await set.persistence.executions()).length, HOSTILE_IDS.length);
  },

  'what is no id is refused': async ({ persistence }) => {
    for (const id of INVALID_IDS) {
      await refused('invalid-id', persistence.save(stepKey(id, 0), snapshotOf(id, 0)));
      await refused('invalid-id', persistence.latest(id));
    }
    assert.deepEqual(await persistence.list(''), []);
  },

  'values of every kind and size come back as they were': async ({ persistence }) => {
    const strange = JSON.parse(
      '{"__proto__":{"a":1},"constructor":2,"":3,"\\u0000":"\\u0000","n":-0.1e-7}',
    ) as JsonObject;
    const contexts: JsonObject[] = [
      {},
      { lone: '\ud800', emoji: '👩‍👩‍👧', nul: '\u0000', line: '\u2028' },
      strange,
      ...[1, 1_000, 65_536, 1_048_576, 10_485_760].map((size) => ({ text: 'ü'.repeat(size / 2) })),
    ];
    for (const [step, context] of contexts.entries()) {
      await persistence.save(stepKey('job', step), snapshotOf('job', step, { context }));
      const loaded = await persistence.latest('job');
      // Compared as text: deepEqual takes minutes to print a difference of 10 MB.
      assert.ok(JSON.stringify(loaded?.context) === JSON.stringify(context), `context ${step} differs`);
    }
  },
};
