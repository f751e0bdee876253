import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, WorkerRegistration } from '../../backends/interfaces.ts';
import type { JsonObject } from '../../types.ts';
import { HOSTILE_IDS, INVALID_IDS, refused, type SetCase } from './place.ts';

const STARTED = '2026-01-01T00:00:00.000Z';

function workerOf(worker_id: string, fields: Partial<WorkerRegistration> = {}): WorkerRegistration {
  return { worker_id, started_at: STARTED, ...fields };
}

async function ids({ registration }: BackendSet, filter = {}): Promise<string[]> {
  return (await registration.list(filter)).map(({ worker_id }) => worker_id);
}

/** Cases of {@link RegistrationBackend} on one open set. */
export const registrationCases: Readonly<Record<string, SetCase>> = {
  'a worker is registered with what it says, and defaults': async ({ registration }) => {
    const full = workerOf('full', {
      host: 'h',
      pid: 7,
      capabilities: ['gpu', 'big'],
      pool_id: 'p',
      heartbeat_interval: 5,
      metadata: { v: 1, nested: { a: [null] } },
    });
    const { last_heartbeat, heartbeat_age, registered_at, ...rest } = await registration.register(full);
    assert.deepEqual(rest, { ...full, status: 'active', registrations: 1 });
    assert.ok(Math.abs(Date.parse(last_heartbeat) - Date.now()) < 30_000, last_heartbeat);
    assert.equal(registered_at, last_heartbeat);
    assert.ok(heartbeat_age >= 0 && heartbeat_age < 5, String(heartbeat_age));
    const plain = await registration.register(workerOf('plain'));
    assert.deepEqual([plain.heartbeat_interval, plain.metadata], [30, {}]);
    const { heartbeat_age: _, ...stored } = (await registration.get('full')) ?? assert.fail();
    assert.deepEqual(stored, { ...rest, last_heartbeat, registered_at });
    assert.equal(await registration.get('other'), null);
  },

  'registered again, it keeps what it does not say, and its history': async ({ registration }) => {
    const first = await registration.register(
      workerOf('w', { host: 'a', capabilities: ['x'], metadata: { kept: 1, changed: 1 } }),
    );
    await registration.heartbeat('w', { beat: 1 }, 'task');
    await registration.updateStatus('w', 'terminated');
    const again = await registration.register(
      workerOf('w', {
        capabilities: ['y'],
        metadata: { changed: 2 },
        started_at: '2026-02-02T00:00:00.000Z',
      }),
    );
    assert.equal(again.registered_at, first.registered_at);
    assert.deepEqual(
      [again.host, again.capabilities, again.metadata, again.status, again.registrations, again.started_at],
      ['a', ['y'], { kept: 1, changed: 2, beat: 1 }, 'active', 2, '2026-02-02T00:00:00.000Z'],
    );
  },

  'a heartbeat is counted from now, and may tell more': async ({ registration }) => {
    await registration.register(workerOf('w', { metadata: { a: 1, b: 1 } }));
    await sleep(250);
    assert.ok(((await registration.get('w'))?.heartbeat_age ?? 0) >= 0.2);
    await registration.heartbeat('w', { b: 2, c: null }, 'item-1');
    const beaten = await registration.get('w');
    assert.ok((beaten?.heartbeat_age ?? 9) < 0.2, String(beaten?.heartbeat_age));
    assert.deepEqual([beaten?.metadata, beaten?.current_task_id], [{ a: 1, b: 2, c: null }, 'item-1']);
    await registration.heartbeat('w');
    assert.equal((await registration.get('w'))?.current_task_id, 'item-1');
    await registration.heartbeat('w', {}, null);
    assert.equal((await registration.get('w'))?.current_task_id, undefined);
  },

  'heartbeats at once lose nothing of each other': async ({ registration }) => {
    await registration.register(workerOf('w'));
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    await Promise.all(keys.map((key) => registration.heartbeat('w', { [key]: true })));
    assert.deepEqual(Object.keys((await registration.get('w'))?.metadata ?? {}).sort(), [...keys].sort());
  },

  'an unknown worker can neither beat nor change, and its removal is harmless': async ({ registration }) => {
    await refused('not-found', registration.heartbeat('nobody'));
    await refused('not-found', registration.updateStatus('nobody', 'active'));
    assert.equal(await registration.markLost('nobody', 0), false);
    await registration.remove('nobody');
    await registration.register(workerOf('w'));
    await registration.remove('w');
    await registration.remove('w');
    assert.equal(await registration.get('w'), null);
    await refused('not-found', registration.heartbeat('w'));
    assert.equal((await registration.register(workerOf('w'))).registrations, 1);
  },

  'a lost worker is told so, and lives again when it registers': async ({ registration }) => {
    await registration.register(workerOf('w'));
    assert.equal(await registration.markLost('w', 0), true);
    assert.equal(await registration.markLost('w', 0), false);
    await refused('lease-lost', registration.heartbeat('w'));
    assert.equal((await registration.get('w'))?.status, 'lost');
    assert.equal((await registration.register(workerOf('w'))).status, 'active');
    await registration.heartbeat('w');
    await registration.updateStatus('w', 'terminating');
    await registration.heartbeat('w');
    await registration.updateStatus('w', 'terminated');
    await refused('lease-lost', registration.heartbeat('w'));
    assert.equal(await registration.markLost('w', 0), false);
    assert.equal((await registration.get('w'))?.status, 'terminated');
  },

  'only who is stale at that moment is declared lost, and by one': async ({ registration }) => {
    await registration.register(workerOf('w', { heartbeat_interval: 0.2 }));
    assert.equal(await registration.markLost('w'), false);
    assert.equal(await registration.markLost('w', 60), false);
    await sleep(250);
    await registration.heartbeat('w');
    await sleep(250);
    assert.equal(await registration.markLost('w'), false);
    await sleep(250);
    const answers = await Promise.all(Array.from({ length: 10 }, () => registration.markLost('w')));
    assert.equal(answers.filter(Boolean).length, 1);
  },

  'a worker that beats is never stale': async (set) => {
    const { registration } = set;
    await registration.register(workerOf('w', { heartbeat_interval: 0.2 }));
    for (let beat = 0; beat < 5; beat++) {
      await sleep(100);
      assert.deepEqual(await ids(set, { stale_threshold_seconds: true }), []);
      assert.equal(await registration.markLost('w'), false);
      await registration.heartbeat('w');
    }
  },

  'workers are listed by id, by every field that is given': async (set) => {
    const { registration } = set;
    await registration.register(workerOf('c', { capabilities: ['gpu'], pool_id: 'p' }));
    await registration.register(workerOf('a', { capabilities: ['gp%', 'big'], pool_id: 'p-1' }));
    await registration.register(workerOf('b', { heartbeat_interval: 0.05 }));
    await registration.updateStatus('a', 'terminating');
    await registration.updateStatus('b', 'draining');
    assert.deepEqual(await ids(set), ['a', 'b', 'c']);
    assert.deepEqual(await ids(set, { status: 'active' }), ['c']);
    assert.deepEqual(await ids(set, { status: ['active', 'draining'] }), ['b', 'c']);
    assert.deepEqual(await ids(set, { status: [] }), []);
    assert.deepEqual(await ids(set, { capability: 'gpu' }), ['c']);
    assert.deepEqual(await ids(set, { capability: 'gp%' }), ['a']);
    assert.deepEqual(await ids(set, { capability: 'g' }), []);
    assert.deepEqual(await ids(set, { pool_id: 'p' }), ['c']);
    assert.deepEqual(await ids(set, { pool_id: 'p', status: 'terminating' }), []);
    await sleep(150);
    assert.deepEqual(await ids(set, { stale_threshold_seconds: true }), ['b']);
    assert.deepEqual(await ids(set, { stale_threshold_seconds: 0.1 }), ['a', 'b', 'c']);
    assert.deepEqual(await ids(set, { stale_threshold_seconds: 60 }), []);
    assert.deepEqual(await ids(set, { stale_threshold_seconds: 0, status: 'active' }), ['c']);
  },

  'hostile ids and texts are ordinary ones': async (set) => {
    const { registration } = set;
    const metadata = JSON.parse('{"__proto__":"p","constructor":{"":"ü\\u0000"}}') as JsonObject;
    for (const id of HOSTILE_IDS) {
      const fields = { capabilities: [id, '"', ','], pool_id: id, metadata: { ...metadata, [id]: id } };
      await registration.register(workerOf(id, fields));
    }
    assert.deepEqual([...(await ids(set))].sort(), [...HOSTILE_IDS].sort());
    for (const id of HOSTILE_IDS) {
      assert.deepEqual(await ids(set, { capability: id }), [id]);
      assert.deepEqual(await ids(set, { pool_id: id }), [id]);
      assert.deepEqual((await registration.get(id))?.metadata, { ...metadata, [id]: id });
    }
  },

  'what is out of range is refused': async ({ registration }) => {
    for (const id of INVALID_IDS) {
      await refused('invalid-id', registration.register(workerOf(id)));
      await refused('invalid-id', registration.heartbeat(id));
      await refused('invalid-id', registration.updateStatus(id, 'active'));
      await refused('invalid-id', registration.markLost(id));
      await refused('invalid-id', registration.get(id));
      await refused('invalid-id', registration.remove(id));
    }
    for (const heartbeat_interval of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await refused('usage', registration.register(workerOf('w', { heartbeat_interval })));
    }
    await refused('usage', registration.register(workerOf('w', { started_at: 'yesterday' })));
    await refused('not-json', registration.register(workerOf('w', { metadata: { n: Number.NaN } })));
    await registration.register(workerOf('w'));
    await refused('usage', registration.updateStatus('w', ''));
    await refused('usage', registration.updateStatus('w', 'a\nb'));
    await refused('usage', registration.markLost('w', -1));
    await refused('usage', registration.list({ stale_threshold_seconds: Number.NaN }));
    await refused('not-json', registration.heartbeat('w', { n: Number.NaN }));
  },

  'what is given and got is nobody else’s': async ({ registration }) => {
    const metadata: JsonObject = { list: [1] };
    const got = await registration.register(workerOf('w', { metadata }));
    (metadata.list as number[]).push(2);
    (got.metadata.list as number[]).push(3);
    assert.deepEqual((await registration.get('w'))?.metadata, { list: [1] });
  },
};
