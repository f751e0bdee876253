import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BackendSet, SignalBackend, Wait } from '../../src/backends/interfaces.ts';
import { FlatMachineError } from '../../src/errors.ts';
import type { ExecutionStatus } from '../../src/events.ts';
import { type DispatchEvent, SignalDispatcher } from '../../src/execution/dispatcher.ts';
import type { ExecutionResult } from '../../src/execution/setup.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { machineOf, memory } from '../helpers/machine.ts';

/** Waits for a signal on `input.channel`, and then for another on `second`. */
const TWICE = machineOf({
  states: {
    first: {
      type: 'initial',
      wait_for: '{{ input.channel }}',
      output_to_context: { got: 'output.value' },
      transitions: [{ condition: 'input.again', to: 'second' }, { to: 'done' }],
    },
    second: { wait_for: 'second', timeout: 60, transitions: [{ to: 'done' }] },
    done: { type: 'final', output: { got: 'context.got' } },
  },
});

/** Fails in time if nobody signals. */
const LATE = machineOf({
  states: {
    wait: {
      type: 'initial',
      wait_for: 'never',
      timeout: 0.3,
      on_error: { TimeoutError: 'late' },
      transitions: [{ to: 'late' }],
    },
    late: { type: 'final', output: { late: true } },
  },
});

/** What the tests with a store of their own making have beside it. */
const rest = await memory();

interface Served {
  backends: BackendSet;
  machine: FlatMachine;
  events: DispatchEvent[];
  dispatcher: SignalDispatcher;
}

async function served(config = TWICE, concurrency = 16): Promise<Served> {
  const backends = await memory();
  const machine = await FlatMachine.load(config, { backend: backends });
  const events: DispatchEvent[] = [];
  const dispatcher = new SignalDispatcher({
    backends,
    concurrency,
    resume: (id) => machine.resume(id, { retry: false }),
    onEvent: (event) => events.push(event),
  });
  return { backends, machine, events, dispatcher };
}

async function statusOf({ backends }: Served, id: string): Promise<ExecutionStatus | undefined> {
  return (await backends.persistence.latest(id))?.status;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

describe('once', () => {
  it('resumes what is ready, and leaves what is not', async () => {
    const all = await served();
    for (const id of ['a', 'b']) {
      const { status } = await all.machine.execute({ channel: id, again: false }, { id });
      expect(status).toBe('waiting');
    }
    expect(await all.dispatcher.once()).toEqual({ resumed: 0, busy: 0, failed: 0 });
    await all.backends.signals.send('a', 7);
    expect(await all.dispatcher.once()).toEqual({ resumed: 1, busy: 0, failed: 0 });
    expect(await all.backends.persistence.latest('a')).toMatchObject({
      status: 'completed',
      output: { got: 7 },
    });
    expect(await statusOf(all, 'b')).toBe('waiting');
    expect(all.events.map(({ type }) => type)).toEqual(['resuming', 'resumed']);
    expect(all.events[0]).toMatchObject({ reason: 'signal', channel: 'a' });
  });

  it('goes on with what becomes ready by that', async () => {
    const all = await served();
    await all.machine.execute({ channel: 'a', again: true }, { id: 'a' });
    await all.backends.signals.send('second', 2);
    await all.backends.signals.send('a', 1);
    await all.dispatcher.once();
    expect(await statusOf(all, 'a')).toBe('completed');
  });

  it('hands one signal to every execution that waits', async () => {
    const all = await served(TWICE, 3);
    for (let i = 0; i < 20; i++) await all.machine.execute({ channel: 'all', again: false }, { id: `x${i}` });
    await all.backends.signals.send('all', 'go');
    expect(await all.dispatcher.once()).toEqual({ resumed: 20, busy: 0, failed: 0 });
    for (let i = 0; i < 20; i++) expect(await statusOf(all, `x${i}`)).toBe('completed');
  });
});

describe('run', () => {
  it('is woken by a signal, and by a deadline, without polling', async () => {
    const all = await served();
    const late = await FlatMachine.load(LATE, { backend: all.backends });
    const dispatcher = new SignalDispatcher({
      backends: all.backends,
      resume: (id) => (id === 'late' ? late : all.machine).resume(id, { retry: false }),
    });
    const stop = new AbortController();
    const running = dispatcher.run(stop.signal);
    await all.machine.execute({ channel: 'a', again: false }, { id: 'a' });
    const begun = performance.now();
    await late.execute({}, { id: 'late' });
    await all.backends.signals.send('a', 1);
    await until(async () => (await statusOf(all, 'a')) === 'completed');
    expect(performance.now() - begun).toBeLessThan(250);
    await until(async () => (await statusOf(all, 'late')) === 'completed');
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(290);
    expect(took).toBeLessThan(450);
    stop.abort();
    await running;
  });

  it('begins nothing more once stopped, and waits for what is under way', async () => {
    let finished = 0;
    const { signals } = fake(['a', 'b', 'c']);
    const dispatcher = new SignalDispatcher({
      backends: { ...rest, signals },
      concurrency: 2,
      resume: async (id) => {
        await sleep(50);
        finished++;
        return result(id, 'waiting');
      },
    });
    const stop = new AbortController();
    const running = dispatcher.run(stop.signal);
    await until(() => dispatcher.inFlight === 2);
    stop.abort();
    await running;
    expect({ finished, inFlight: dispatcher.inFlight }).toEqual({ finished: 2, inFlight: 0 });
  });
});

describe('an execution that cannot be resumed', () => {
  it('is told of, tried again with growing pauses, and keeps nobody else from being served', async () => {
    const { signals, asked } = fake(['bad', 'busy', 'good']);
    const tries: Record<string, number> = {};
    const events: DispatchEvent[] = [];
    const dispatcher = new SignalDispatcher({
      backends: { ...rest, signals },
      concurrency: 1,
      resume: async (id) => {
        tries[id] = (tries[id] ?? 0) + 1;
        if (id === 'bad') throw new Error('no such machine');
        if (id === 'busy' && tries[id] < 4) throw new FlatMachineError('locked', 'held');
        signals.end(id);
        return result(id, 'completed');
      },
      onEvent: (event) => events.push(event),
    });
    const stop = new AbortController();
    const running = dispatcher.run(stop.signal);
    await until(() => tries.bad === 2);
    stop.abort();
    await running;
    expect(tries).toEqual({ bad: 2, busy: 4, good: 1 });
    expect(events.flatMap((event) => (event.type === 'busy' ? [event.retryIn] : []))).toEqual([20, 40, 80]);
    expect(events.flatMap((event) => (event.type === 'failed' ? [event.retryIn] : []))).toEqual([1000, 2000]);
    expect(asked()).toBeLessThan(30);
  });

  it('does not make the dispatcher run in circles when it stays ready', async () => {
    const { signals, asked } = fake(['again']);
    let tries = 0;
    const dispatcher = new SignalDispatcher({
      backends: { ...rest, signals },
      resume: async (id) => {
        tries++;
        return result(id, 'waiting');
      },
    });
    const stop = new AbortController();
    const running = dispatcher.run(stop.signal);
    await sleep(500);
    stop.abort();
    await running;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(12);
    expect(asked()).toBeLessThan(40);
  });
});

describe('a store that fails', () => {
  it('is asked again', async () => {
    const { signals } = fake(['a']);
    const { ready } = signals;
    let failures = 1;
    signals.ready = async (...args) => {
      if (failures-- > 0) throw new FlatMachineError('backend', 'the disk is full');
      return ready(...args);
    };
    const events: string[] = [];
    const dispatcher = new SignalDispatcher({
      backends: { ...rest, signals },
      resume: async (id) => {
        signals.end(id);
        return result(id, 'completed');
      },
      onEvent: ({ type }) => events.push(type),
    });
    const stop = new AbortController();
    const running = dispatcher.run(stop.signal);
    await until(() => events.includes('resumed'));
    stop.abort();
    await running;
    expect(events).toEqual(['store', 'resuming', 'resumed']);
  });
});

function result(executionId: string, status: ExecutionStatus): ExecutionResult {
  return { execution_id: executionId, status, output: null, error: null, state: 's', step: 1, context: {} };
}

/** A store in which these executions are ready until they end. */
function fake(ids: readonly string[]) {
  const open = new Set(ids);
  let looks = 0;
  const wait = (execution_id: string): Wait => ({
    execution_id,
    work: 1,
    channel: 'c',
    deadline: null,
    signal_id: '1',
  });
  const signals: Pick<SignalBackend, 'ready' | 'nextDeadline' | 'watch'> & { end(id: string): void } = {
    ready: async (_now, limit) => {
      looks++;
      return [...open].slice(0, limit).map(wait);
    },
    nextDeadline: async () => null,
    watch: () => () => {},
    end: (id) => open.delete(id),
  };
  return { signals: signals as SignalBackend & typeof signals, asked: () => looks };
}
