import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, Fence, Signal, WorkOver } from '../../backends/interfaces.ts';
import type { ExecutionStatus } from '../../events.ts';
import { stepKey } from '../../machine/snapshot.ts';
import type { JsonValue } from '../../types.ts';
import { acquired, HOSTILE_IDS, INVALID_IDS, refused, type SetCase, snapshotOf } from './place.ts';

const NOW = Date.UTC(2026, 0, 1);

function waitOn(
  { signals }: BackendSet,
  executionId: string,
  channel: string,
  work = 1,
): Promise<Signal | null> {
  return signals.wait({ executionId, work, for: { channel }, deadline: null, fence: null });
}

function waitUntil(
  { signals }: BackendSet,
  executionId: string,
  deadline: number | null,
): Promise<Signal | null> {
  return signals.wait({ executionId, work: 1, for: { channel: 'never' }, deadline, fence: null });
}

async function waitForChildren(
  { signals }: BackendSet,
  executionId: string,
  ...children: string[]
): Promise<void> {
  const signal = await signals.wait({ executionId, work: 1, for: { children }, deadline: null, fence: null });
  assert.equal(signal, null);
}

/** Saves the next step of an execution, whatever is there. */
async function step(set: BackendSet, id: string, status: ExecutionStatus, over?: WorkOver): Promise<void> {
  const next = ((await set.persistence.latest(id))?.step ?? -1) + 1;
  await set.persistence.save(stepKey(id, next), snapshotOf(id, next, { status }), over ? { over } : {});
}

function end(set: BackendSet, id: string, signal: WorkOver['signal'], work = 1): Promise<void> {
  return step(set, id, 'completed', { work, signal });
}

async function ready({ signals }: BackendSet, now = NOW, limit = 100): Promise<string[]> {
  return (await signals.ready(now, limit)).map((wait) => wait.execution_id);
}

async function queued({ signals }: BackendSet, channel?: string): Promise<JsonValue[]> {
  return (await signals.queued(channel)).map((signal) => signal.data);
}

/** Cases of {@link SignalBackend} on one open set. */
export const signalCases: Readonly<Record<string, SetCase>> = {
  'what nobody waits for is queued, and taken first in, first out': async (set) => {
    const sent: Signal[] = [];
    for (const n of [1, 2, 3]) sent.push(await set.signals.send('c', { n }));
    await set.signals.send('other', 0);
    assert.deepEqual(await set.signals.queued('c'), sent);
    assert.ok(sent.every((signal, n) => n === 0 || signal.signal_id > (sent[n - 1] as Signal).signal_id));
    assert.ok(Math.abs(Date.parse(sent[0]?.sent_at ?? '') - Date.now()) < 60_000);
    for (const [n, signal] of sent.entries()) assert.deepEqual(await waitOn(set, `job-${n}`, 'c'), signal);
    assert.deepEqual(await queued(set), [0]);
    assert.equal(await waitOn(set, 'job-3', 'c'), null);
  },

  'one that waits is given what is sent then, and keeps it until its step commits': async (set) => {
    assert.equal(await waitOn(set, 'job', 'c'), null);
    assert.equal(await waitOn(set, 'job', 'c'), null);
    assert.deepEqual(await ready(set), []);
    const signal = await set.signals.send('c', 'first');
    await set.signals.send('c', 'second');
    assert.deepEqual(await ready(set), ['job']);
    assert.deepEqual(await queued(set), ['second']);
    for (let again = 0; again < 3; again++) assert.deepEqual(await waitOn(set, 'job', 'c'), signal);
    assert.deepEqual(await set.signals.waits('c'), [
      { execution_id: 'job', work: 1, channel: 'c', deadline: null, signal_id: signal.signal_id },
    ]);
    await step(set, 'job', 'running', { work: 1, signal: 'consumed' });
    assert.deepEqual(await set.signals.waits(), []);
    assert.deepEqual(await ready(set), []);
    assert.equal((await waitOn(set, 'job', 'c', 2))?.data, 'second');
    assert.deepEqual(await queued(set), []);
  },

  'a signal goes to everybody who waits, and to nobody after': async (set) => {
    for (const id of ['a', 'b', 'c']) assert.equal(await waitOn(set, id, 'go'), null);
    assert.equal(await waitOn(set, 'elsewhere', 'stay'), null);
    const signal = await set.signals.send('go', 1);
    assert.deepEqual(await ready(set), ['a', 'b', 'c']);
    assert.equal(await waitOn(set, 'late', 'go'), null);
    await end(set, 'a', 'consumed');
    for (const id of ['b', 'c']) assert.deepEqual(await waitOn(set, id, 'go'), signal);
    assert.deepEqual(await queued(set), []);
    // Others had it: what one of them gives back is nobody's.
    await end(set, 'b', 'returned');
    await end(set, 'c', 'returned');
    assert.deepEqual(await queued(set), []);
    assert.equal(await waitOn(set, 'b', 'go', 2), null);
  },

  'who has been given a signal is not given another': async (set) => {
    await waitOn(set, 'a', 'go');
    await set.signals.send('go', 1);
    await waitOn(set, 'b', 'go');
    await set.signals.send('go', 2);
    await set.signals.send('go', 3);
    assert.equal((await waitOn(set, 'a', 'go'))?.data, 1);
    assert.equal((await waitOn(set, 'b', 'go'))?.data, 2);
    assert.deepEqual(await queued(set), [3]);
  },

  'a returned signal goes back to its place in the queue': async (set) => {
    for (const n of [1, 2, 3, 4]) await set.signals.send('c', n);
    for (const id of ['a', 'b', 'c']) await waitOn(set, id, 'c');
    await end(set, 'b', 'returned');
    assert.deepEqual(await queued(set, 'c'), [2, 4]);
    await end(set, 'c', 'consumed');
    await end(set, 'a', 'returned');
    assert.deepEqual(await queued(set, 'c'), [1, 2, 4]);
    assert.equal((await waitOn(set, 'd', 'c'))?.data, 1);
    await end(set, 'd', 'returned');
    assert.deepEqual(await queued(set, 'c'), [1, 2, 4]);
  },

  'a returned signal goes to those who have begun to wait since': async (set) => {
    await set.signals.send('c', 1);
    await waitOn(set, 'a', 'c');
    for (const id of ['b', 'd']) assert.equal(await waitOn(set, id, 'c'), null);
    await end(set, 'a', 'returned');
    assert.deepEqual(await ready(set), ['b', 'd']);
    assert.deepEqual(await queued(set), []);
    assert.equal((await waitOn(set, 'b', 'c'))?.data, 1);
    await end(set, 'b', 'returned');
    assert.deepEqual(await queued(set), []);
  },

  'what ends a piece of work ends its wait alone': async (set) => {
    for (const work of [1, 2, 3]) await waitOn(set, 'job', `c${work}`, work);
    await waitOn(set, 'job-1', 'c1');
    await step(set, 'job', 'running', { work: 2, signal: 'consumed' });
    const left = (await set.signals.waits()).map((wait) => [wait.execution_id, wait.work]);
    assert.deepEqual(left, [
      ['job', 3],
      ['job-1', 1],
    ]);
    await set.signals.send('c2', 'for nobody');
    assert.deepEqual(await queued(set), ['for nobody']);
  },

  'a step that is refused ends no wait': async (set) => {
    await set.signals.send('c', 1);
    await waitOn(set, 'job', 'c');
    await step(set, 'job', 'running');
    const over = { work: 1, signal: 'consumed' } as const;
    await refused('step-conflict', set.persistence.save(stepKey('job', 0), snapshotOf('job', 0), { over }));
    assert.equal((await waitOn(set, 'job', 'c'))?.data, 1);
  },

  'a process without the lease neither takes nor waits': async (set) => {
    const stale: Fence = await acquired(set, 'job');
    await set.locking.release('job');
    await set.signals.send('c', 1);
    const request = { executionId: 'job', work: 1, for: { channel: 'c' }, deadline: null };
    await refused('lease-lost', set.signals.wait({ ...request, fence: stale }));
    assert.deepEqual(await queued(set), [1]);
    assert.deepEqual(await set.signals.waits(), []);
    const current = await acquired(set, 'job');
    assert.equal((await set.signals.wait({ ...request, fence: current }))?.data, 1);
  },

  'a deadline makes ready once it has come': async (set) => {
    await waitUntil(set, 'late', NOW + 1000);
    await waitUntil(set, 'early', NOW);
    await waitUntil(set, 'never', null);
    assert.equal(await set.signals.nextDeadline(), NOW);
    assert.deepEqual(await ready(set, NOW - 1), []);
    assert.deepEqual(await ready(set, NOW), ['early']);
    assert.deepEqual(await ready(set, NOW + 1000), ['late', 'early']);
    assert.equal((await set.signals.ready(NOW, 1))[0]?.deadline, NOW);
    await waitUntil(set, 'early', NOW + 500);
    assert.equal(await set.signals.nextDeadline(), NOW + 500);
    await end(set, 'early', 'consumed');
    await end(set, 'late', 'consumed');
    assert.equal(await set.signals.nextDeadline(), null);
  },

  'one that has a signal and a deadline is listed once, and no more than asked for': async (set) => {
    for (const id of ['a', 'b', 'c']) await waitUntil(set, id, NOW);
    await set.signals.send('never', 'after all');
    await waitUntil(set, 'd', NOW);
    assert.deepEqual(await ready(set), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await ready(set, NOW, 2), ['a', 'b']);
    assert.deepEqual(await ready(set, NOW, 0), []);
  },

  'the end of any of its children makes a parent ready, however it ended': async (set) => {
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      const [parent, child] = [`parent-${status}`, `child-${status}`];
      await step(set, child, 'running');
      await waitForChildren(set, parent, 'unborn', child);
      assert.deepEqual(await ready(set), []);
      await step(set, child, 'waiting');
      assert.deepEqual(await ready(set), []);
      await step(set, child, status);
      assert.deepEqual(await ready(set), [parent]);
      const [wait] = await set.signals.ready(NOW, 1);
      assert.deepEqual(wait, {
        execution_id: parent,
        work: 1,
        channel: null,
        deadline: null,
        signal_id: null,
      });
      await end(set, parent, 'consumed');
      assert.deepEqual(await ready(set), []);
    }
  },

  'a child that has ended before is seen, one that was resumed or deleted is not': async (set) => {
    await step(set, 'child', 'failed');
    await waitForChildren(set, 'parent', 'child');
    assert.deepEqual(await ready(set), ['parent']);
    await step(set, 'child', 'running');
    assert.deepEqual(await ready(set), []);
    await step(set, 'child', 'completed');
    assert.deepEqual(await ready(set), ['parent']);
    await set.persistence.deleteExecution('child');
    assert.deepEqual(await ready(set), []);
  },

  'a parent that asks again waits for those it names then': async (set) => {
    for (const id of ['a', 'b']) await step(set, id, 'running');
    await waitForChildren(set, 'parent', 'a', 'b');
    await step(set, 'a', 'completed');
    assert.deepEqual(await ready(set), ['parent']);
    await waitForChildren(set, 'parent', 'b', 'c');
    assert.deepEqual(await ready(set), []);
    assert.equal((await set.signals.waits()).length, 1);
    await step(set, 'c', 'completed');
    assert.deepEqual(await ready(set), ['parent']);
  },

  'work that waits for a signal and for children then keeps the signal until it is over': async (set) => {
    await set.signals.send('c', 1);
    assert.equal((await waitOn(set, 'job', 'c'))?.data, 1);
    await step(set, 'child', 'running');
    await waitForChildren(set, 'job', 'child');
    assert.deepEqual(await ready(set), []);
    const [wait] = await set.signals.waits();
    assert.equal(wait?.channel, null);
    assert.ok(wait?.signal_id);
    await step(set, 'child', 'completed');
    assert.deepEqual(await ready(set), ['job']);
    assert.equal((await waitOn(set, 'job', 'c'))?.data, 1);
    await end(set, 'job', 'returned');
    assert.deepEqual(await queued(set), [1]);
  },

  'who stopped waiting for a signal and waits for children is not given one': async (set) => {
    await waitOn(set, 'job', 'c');
    await waitForChildren(set, 'job', 'child');
    await set.signals.send('c', 1);
    assert.deepEqual(await ready(set), []);
    assert.deepEqual(await queued(set), [1]);
  },

  'who is being run, was interrupted or has reached a limit is not ready': async (set) => {
    await waitUntil(set, 'job', NOW);
    assert.deepEqual(await ready(set), ['job']);
    await acquired(set, 'job');
    assert.deepEqual(await ready(set), []);
    assert.equal(await set.signals.nextDeadline(), null);
    await set.locking.release('job');
    for (const status of ['running', 'waiting'] as const) {
      await step(set, 'job', status);
      assert.deepEqual(await ready(set), ['job']);
    }
    for (const status of ['interrupted', 'limit'] as const) {
      await step(set, 'job', status);
      assert.deepEqual(await ready(set), []);
      assert.equal(await set.signals.nextDeadline(), null);
    }
    await step(set, 'job', 'waiting');
    assert.equal(await set.signals.nextDeadline(), NOW);
  },

  'a deleted execution waits no more, and what it had not used up is returned': async (set) => {
    await set.signals.send('c', 1);
    await step(set, 'job', 'waiting');
    await waitOn(set, 'job', 'c');
    await waitOn(set, 'job', 'd', 2);
    await set.persistence.deleteExecution('job');
    assert.deepEqual(await set.signals.waits(), []);
    assert.deepEqual(await queued(set), [1]);
  },

  'many at once: each signal goes to one of those who ask': async (set) => {
    const work = Array.from({ length: 100 }, (_, n) => n);
    await Promise.all(work.map((n) => (n % 2 ? set.signals.send('c', n) : waitOn(set, `early-${n}`, 'c'))));
    const left = await queued(set);
    const taken = await Promise.all(left.map((_, n) => waitOn(set, `late-${n}`, 'c')));
    assert.deepEqual(
      taken.map((signal) => signal?.data),
      left,
    );
    assert.deepEqual(await queued(set), []);
  },

  'what may have become ready is told, to those who watch': async (set) => {
    let calls = 0;
    const stop = set.signals.watch(() => calls++);
    const tells = async (what: string, work: Promise<unknown>) => {
      const before = calls;
      await work;
      for (let waited = 0; calls === before && waited < 2000; waited += 10) await sleep(10);
      assert.ok(calls > before, `${what} is not told`);
    };
    await tells('a send', set.signals.send('c', 1));
    await tells('a deadline', waitUntil(set, 'job', NOW));
    await tells('an end', end(set, 'child', 'consumed'));
    await set.locking.acquire('job');
    await tells('a release', set.locking.release('job'));
    await sleep(50);
    const quiet = calls;
    await sleep(50);
    assert.equal(calls, quiet);
    stop();
    stop();
    await set.signals.send('c', 2);
    await sleep(30);
    assert.equal(calls, quiet);
  },

  'a closed set tells nobody, and takes no more': async (set) => {
    let calls = 0;
    set.signals.watch(() => calls++);
    const last = set.signals.send('c', 1);
    await set.close();
    await last;
    await sleep(30);
    assert.equal(calls, 0);
    assert.throws(() => set.signals.watch(() => {}), { code: 'backend' });
  },

  'channels are what they are, and what is none is refused': async (set) => {
    const channels = [...HOSTILE_IDS, 'a/b', '..', '\u2028', 'x'.repeat(500), '🗝'.repeat(500)];
    for (const channel of channels) await set.signals.send(channel, channel);
    for (const [n, channel] of channels.entries()) {
      assert.equal((await waitOn(set, `job-${n}`, channel))?.data, channel);
    }
    for (const channel of ['', 'a\nb', '\u0000', 'lone \ud800', 'x'.repeat(501)]) {
      await refused('invalid-id', set.signals.send(channel, 1));
      await refused('invalid-id', waitOn(set, 'job', channel));
    }
    for (const id of INVALID_IDS) await refused('invalid-id', waitOn(set, id, 'c'));
    await refused('not-json', set.signals.send('c', undefined as unknown as JsonValue));
    assert.deepEqual(await queued(set), []);
  },
};
