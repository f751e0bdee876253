import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet, WorkPool } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { itemExecutionId } from '../../src/execution/pool/item-execution-id.ts';
import type { FlatMachine } from '../../src/flatmachine.ts';
import { PoolWorker } from '../../src/library/pool-worker.ts';
import type { PoolWorkerEvent } from '../../src/library/pool-worker-events.ts';
import type { PoolWorkerOptions } from '../../src/library/pool-worker-options.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';

const WORK: JsonObject = {
  states: {
    work: {
      type: 'initial',
      action: 'work',
      output_to_context: { got: 'output' },
      transitions: [{ to: 'end' }],
    },
    end: { type: 'final', output: { got: 'context.got' } },
  },
};

let store: BackendSet;
let pool: WorkPool;
let events: PoolWorkerEvent[];

beforeEach(async () => {
  store = await openBackends('memory');
  pool = store.work.pool('jobs');
  events = [];
});
afterEach(() => store.close());

const machine = (work: MachineHooks['onAction'], data: JsonObject = WORK): Promise<FlatMachine> =>
  load(data, { onAction: work ?? (() => {}) }, { backend: store });

async function worker(of: FlatMachine, options: Partial<PoolWorkerOptions> = {}): Promise<PoolWorker> {
  return new PoolWorker({
    machine: of,
    pool: 'jobs',
    workerId: 'w',
    onEvent: (event) => void events.push(event),
    ...options,
  });
}

const drained = async (of: FlatMachine, options: Partial<PoolWorkerOptions> = {}) =>
  (await worker(of, { untilEmpty: true, ...options })).run();

describe('a worker of a pool', () => {
  it('runs its machine once per item, a map as its input, anything else under `item`', async () => {
    const inputs: JsonObject[] = [];
    const echo = await machine(
      (_action, context, { executionId }) => {
        inputs.push({ executionId });
        return { output: context.given ?? null };
      },
      { ...WORK, context: { given: 'input' } },
    );
    const ids = await pool.pushMany([{ data: { n: 1 } }, { data: 'two' }, { data: [3] }]);
    expect(await drained(echo, { concurrency: 2 })).toEqual({
      done: 3,
      failed: 0,
      poisoned: 0,
      given_back: 0,
      lost: 0,
    });
    const results = (await pool.items()).map(({ status, result, attempts }) => [status, attempts, result]);
    expect(results).toEqual([
      ['done', 1, { got: { n: 1 } }],
      ['done', 1, { got: { item: 'two' } }],
      ['done', 1, { got: { item: [3] } }],
    ]);
    expect(inputs.map(({ executionId }) => executionId).sort()).toEqual(
      ids.map((id) => itemExecutionId('jobs', id)),
    );
    expect(await store.registration.get('w')).toMatchObject({ status: 'terminated', pool_id: 'jobs' });
  });

  it('never runs more than its concurrency, and as many where it can', async () => {
    let now = 0;
    let most = 0;
    const slow = await machine(async () => {
      most = Math.max(most, ++now);
      await sleep(15);
      now--;
    });
    await pool.pushMany(Array.from({ length: 12 }, (_, n) => ({ data: n })));
    await drained(slow, { concurrency: 4 });
    expect(most).toBe(4);
  });

  it('tries a failed item again in the same execution, and gives up after its attempts', async () => {
    let tries = 0;
    const failing = await machine(() => {
      if (++tries < 3) throw new Error(`try ${tries}`);
    });
    await pool.push(1);
    expect(await drained(failing)).toMatchObject({ done: 1, failed: 2, poisoned: 0 });
    tries = -1000;
    await pool.push(2, { max_retries: 2 });
    expect(await drained(failing)).toMatchObject({ done: 0, failed: 2, poisoned: 1 });
    const [item] = await pool.items({ status: ['poisoned'] });
    expect(item).toMatchObject({ attempts: 2, error: expect.stringMatching(/try -998/) });
    tries = 10;
    await pool.requeue();
    expect(await drained(failing)).toMatchObject({ done: 1 });
  });

  it('of a completed execution gives the stored output and runs nothing', async () => {
    let runs = 0;
    const counting = await machine(() => void runs++);
    const id = await pool.push({});
    await counting.execute({}, { id: itemExecutionId('jobs', id) });
    expect(await drained(counting)).toMatchObject({ done: 1 });
    expect(runs).toBe(1);
  });

  it('poisons what is at its limit or was cancelled, at the first attempt', async () => {
    const loop = await machine(undefined, {
      settings: { max_steps: 3 },
      states: {
        a: { type: 'initial', transitions: [{ condition: 'context.never', to: 'end' }, { to: 'a' }] },
        end: { type: 'final' },
      },
    });
    await pool.push(1);
    expect(await drained(loop)).toMatchObject({ failed: 1, poisoned: 1 });
    const cancelled = await machine(async (_action, _context, { executionId, signal }) => {
      await store.persistence.requestCancel(executionId);
      await sleep(60_000, undefined, { signal });
    });
    await pool.push(2);
    expect(await drained(cancelled)).toMatchObject({ failed: 1, poisoned: 1 });
    expect(
      (await pool.items({ status: ['poisoned'] })).map(({ attempts, error }) => [attempts, error]),
    ).toEqual([
      [1, expect.stringMatching(/limit/)],
      [1, expect.stringMatching(/cancelled/)],
    ]);
  });

  it('gives back an item that waits without counting the attempt, works on others meanwhile, and completes it once its signal has come', async () => {
    const asking = await machine(undefined, {
      context: { got: null },
      states: {
        ask: {
          type: 'initial',
          wait_for: 'input.channel',
          output_to_context: { got: 'output' },
          transitions: [{ to: 'end' }],
        },
        end: { type: 'final', output: 'context.got' },
      },
    });
    await pool.pushMany([{ data: { channel: 'a' } }, { data: { channel: 'b' } }]);
    await store.signals.send('b', { yes: true });
    const running = drained(asking);
    await expect.poll(() => events.filter(({ type }) => type === 'done')).toHaveLength(1);
    expect(await pool.counts()).toMatchObject({ delayed: 1, claimed: 0 });
    await store.signals.send('a', { yes: false });
    expect(await running).toMatchObject({ done: 2, failed: 0 });
    expect((await pool.items()).map(({ attempts, result }) => [attempts, result])).toEqual([
      [1, { yes: false }],
      [1, { yes: true }],
    ]);
  });
});

describe('a worker that is told to end', () => {
  const slow = (ms: number) =>
    machine((_action, _context, { signal }) => sleep(ms, undefined, { signal }).then(() => undefined));

  it('finishes what is under way and takes nothing more', async () => {
    const stop = new AbortController();
    await pool.pushMany([{ data: 1 }, { data: 2 }]);
    const running = (await worker(await slow(100))).run(stop.signal);
    await expect.poll(() => events.some(({ type }) => type === 'claimed')).toBe(true);
    stop.abort();
    expect(await running).toMatchObject({ done: 1 });
    expect(await pool.counts()).toMatchObject({ done: 1, pending: 1 });
  });

  it('interrupts it after its time, gives it back uncounted, and the next worker goes on with it', async () => {
    const stop = new AbortController();
    await pool.push(1);
    const running = (await worker(await slow(60_000), { drain: 50 })).run(stop.signal);
    await expect.poll(() => events.some(({ type }) => type === 'claimed')).toBe(true);
    await sleep(30);
    stop.abort();
    expect(await running).toMatchObject({ done: 0, given_back: 1 });
    const [item] = await pool.items();
    expect(item).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await store.persistence.latest(itemExecutionId('jobs', item!.id))).toMatchObject({
      status: 'interrupted',
    });
    expect(await drained(await slow(1))).toMatchObject({ done: 1 });
  });
});

describe('claims', () => {
  it('are renewed while an item is worked on, however long that takes', async () => {
    const long = await machine(() => sleep(400).then(() => undefined));
    await pool.push(1);
    expect(await drained(long, { lease: 90 })).toMatchObject({ done: 1, lost: 0 });
  });

  it('that are taken away stop the execution and leave the item alone', async () => {
    const long = await machine((_action, _context, { signal }) =>
      sleep(60_000, undefined, { signal }).then(() => undefined),
    );
    const stop = new AbortController();
    await pool.push(1, { max_retries: 1 });
    const running = (await worker(long, { lease: 90 })).run(stop.signal);
    await expect.poll(() => events.some(({ type }) => type === 'claimed')).toBe(true);
    expect(await pool.releaseByWorker('w')).toBe(1);
    await expect.poll(() => events.some(({ type }) => type === 'lost')).toBe(true);
    stop.abort();
    expect(await running).toMatchObject({ done: 0, failed: 0, lost: 1 });
    expect((await pool.items())[0]).toMatchObject({ status: 'poisoned', attempts: 1 });
  });
});

describe('the register', () => {
  it('hears of a worker while it lives, and again when it was declared dead by mistake', async () => {
    const stop = new AbortController();
    const running = (await worker(await machine(undefined), { heartbeatInterval: 0.05 })).run(stop.signal);
    const status = async () => (await store.registration.get('w'))?.status;
    await expect.poll(status).toBe('active');
    await sleep(250);
    expect(await store.registration.markLost('w')).toBe(false);
    await store.registration.updateStatus('w', 'lost');
    await expect.poll(status).toBe('active');
    stop.abort();
    await running;
    expect(await status()).toBe('terminated');
  });
});

describe('the id of an item’s execution', () => {
  it('is its pool and item, plain names as they are, others made safe and told apart', () => {
    expect(itemExecutionId('rollouts', '000000000017')).toBe('rollouts.000000000017');
    const ids = ['A b', 'a b', 'ä/b', 'x'.repeat(200), `${'x'.repeat(199)}y`, 'a.b'].map((name) =>
      itemExecutionId(name, '1'),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9][a-z0-9.-]{0,60}$/);
  });
});
