import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';
import type { Taken } from './worker.ts';

useWorkers();

const CHANNELS = Array.from({ length: 50 }, (_, n) => `channel-${n}`);
const PER_CHANNEL = 20;
const PROCESSES = 8;

let directory = '';
let url = '';
let set: BackendSet;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-signals-'));
  url = `sqlite:${join(directory, 'store.db')}`;
  set = await openBackends(url);
});

afterEach(async () => {
  await set.close();
  rmSync(directory, { recursive: true });
});

/** The ids taken from a channel, in the order one process took them. */
function idsOf(taken: readonly Taken[], channel: string): string[] {
  return taken.filter((one) => one.channel === channel).map(({ signal_id }) => signal_id);
}

it(`${PROCESSES} processes take 1,000 signals on 50 channels: each once, in order`, async () => {
  const sent = new Set<string>();
  for (let n = 0; n < PER_CHANNEL; n++) {
    const signals = await Promise.all(CHANNELS.map((channel) => set.signals.send(channel, n)));
    for (const { signal_id } of signals) sent.add(signal_id);
  }
  const workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorker(url)));
  const taken = (await Promise.all(
    workers.map((worker) => worker.call('worker', 'drain', CHANNELS)),
  )) as Taken[][];
  const all = taken.flat().map(({ signal_id }) => signal_id);
  expect(all).toHaveLength(1000);
  expect(new Set(all)).toEqual(sent);
  expect(await set.signals.queued()).toEqual([]);
  for (const own of taken) {
    for (const channel of CHANNELS) expect(idsOf(own, channel)).toEqual(idsOf(own, channel).sort());
  }
  expect(taken.filter((own) => own.length > 0).length).toBeGreaterThan(1);
});

it('senders and waiters in different processes: each signal arrives once, in the order it was sent', async () => {
  const workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorker(url)));
  const consumers = workers.slice(4).map((worker, i) => {
    const own = CHANNELS.filter((_, n) => n % 4 === i);
    return worker.call('worker', 'consume', own, PER_CHANNEL);
  });
  const senders = workers
    .slice(0, 4)
    .map((worker, i) => worker.call('worker', 'sendMany', CHANNELS, i, PER_CHANNEL / 4));
  await Promise.all(senders);
  const taken = ((await Promise.all(consumers)) as Taken[][]).flat();
  expect(taken).toHaveLength(1000);
  for (const channel of CHANNELS) {
    const ids = idsOf(taken, channel);
    expect(new Set(ids).size).toBe(PER_CHANNEL);
    expect(ids).toEqual([...ids].sort());
    const texts = taken.filter((one) => one.channel === channel).map(({ data }) => String(data));
    for (const sender of [0, 1, 2, 3]) {
      const own = texts.filter((text) => text.startsWith(`${sender} `));
      expect(own).toEqual([0, 1, 2, 3, 4].map((n) => `${sender} ${n}`));
    }
  }
  expect(await set.signals.queued()).toEqual([]);
  expect(await set.signals.waits()).toEqual([]);
});

it('a consumer killed before its step commits: the same execution is given the signal again, and nobody else', async () => {
  await set.signals.send('door', 'first');
  await set.signals.send('door', 'second');
  const worker = await startWorker(url);
  const request = { executionId: 'a', work: 1, for: { channel: 'door' }, deadline: null, fence: null };
  const given = (await worker.call('signals', 'wait', request)) as { signal_id: string; data: string };
  expect(given.data).toBe('first');
  await worker.kill('SIGKILL');
  expect(await set.signals.wait({ ...request, executionId: 'b' })).toMatchObject({ data: 'second' });
  expect((await set.signals.ready(Date.now(), 10)).map(({ execution_id }) => execution_id).sort()).toEqual([
    'a',
    'b',
  ]);
  expect(await set.signals.wait(request)).toMatchObject({ signal_id: given.signal_id, data: 'first' });
});
