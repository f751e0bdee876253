import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import type { ExecutionEvent } from '../../src/events.ts';
import { Budget } from '../../src/execution/budget.ts';
import type { HookFactory, MachineHooks } from '../../src/execution/interfaces.ts';
import type { FlatMachine } from '../../src/flatmachine.ts';
import type { JsonObject } from '../../src/types.ts';
import { dyingStore } from '../helpers/dying-store.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

const done: JsonObject = { type: 'final', output: 'context.got' };
const agents = { teller: { type: 'script', config: { answers: ['a'], cycle: true } } };

function child(states: JsonObject, data: JsonObject = {}): JsonObject {
  return machineOf({ name: 'child', hooks: 'test', context: { got: null }, ...data, states });
}

/** A machine of one state with these fields. */
function parent(fields: JsonObject, machines: JsonObject, data: JsonObject = {}): JsonObject {
  return {
    context: { got: null },
    ...data,
    machines,
    states: {
      work: { output_to_context: { got: 'output' }, ...fields, transitions: [{ to: 'done' }] },
      failed: { type: 'final', output: { error: 'context.last_error_type', message: 'context.last_error' } },
      done,
    },
  };
}

const asks = child({
  ask: { wait_for: 'go/{{ input.n }}', output_to_context: { got: 'output' }, transitions: [{ to: 'done' }] },
  done,
});
const calls = child(
  {
    ask: { agent: 'teller', transitions: [{ to: 'done' }] },
    done: { type: 'final', output: { n: 'input.n' } },
  },
  { agents },
);
const waitsThenCalls = child(
  {
    wait: { wait_for: 'go/{{ input.n }}', transitions: [{ to: 'ask' }] },
    ask: { agent: 'teller', transitions: [{ to: 'done' }] },
    done: { type: 'final', output: { n: 'input.n' } },
  },
  { agents },
);
const callsThenWaits = child(
  {
    ask: { agent: 'teller', transitions: [{ to: 'wait' }] },
    wait: { wait_for: 'go/{{ input.n }}', transitions: [{ to: 'done' }] },
    done: { type: 'final', output: { n: 'input.n' } },
  },
  { agents },
);

async function statuses(backend: BackendSet): Promise<Record<string, string>> {
  const all = await backend.persistence.executions({});
  return Object.fromEntries(all.map(({ execution_id, status }) => [execution_id, status]).sort());
}

describe('signals', () => {
  test('a signal that a journaled wait took is used up by the step that another run commits', async () => {
    const backend = await memory();
    const data = parent({ wait_for: 'start', machine: 'asks', input: { n: 1 } }, { asks });
    await backend.signals.send('start', 'one');
    expect((await (await load(data, {}, { backend })).execute({}, { id: 'p' })).status).toBe('waiting');
    await backend.signals.send('go/1', 'x');
    expect((await (await load(data, {}, { backend })).resume('p')).status).toBe('completed');
    expect(await backend.signals.queued()).toEqual([]);
    expect(await backend.signals.waits()).toEqual([]);
  });

  test('a park on children after a park on a channel says so, and the signal is in the history', async () => {
    const backend = await memory();
    const data = parent({ wait_for: 'start', machine: 'asks', input: { n: 1 } }, { asks });
    const machine = await load(data, {}, { backend });
    await machine.execute({}, { id: 'p' });
    await backend.signals.send('start', 'one');
    expect((await machine.resume('p')).status).toBe('waiting');
    expect((await backend.persistence.latest('p'))?.waiting_channel).toBe(undefined);
    const events = (await backend.persistence.history('p')).flatMap(({ events }) => events);
    expect(events.filter(({ type }) => type === 'signal').length).toBe(1);
  });
});

describe('launch', () => {
  test('one that cannot be started fails the state, and does not keep the execution from being resumed', async () => {
    const backend = await memory();
    let broken = true;
    const hooks: HookFactory = (_args, { machineName }) => {
      if (machineName === 'bad' && broken) throw new Error('no hooks today');
      return {};
    };
    const good = child({ done: { type: 'final' } });
    const bad = child({ done: { type: 'final' } }, { name: 'bad' });
    const data = parent({ launch: ['good', 'bad'] }, { good, bad });
    const machine = await load(data, hooks, { backend });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('failed');
    expect((await machine.resume('p')).status).toBe('failed');
    broken = false;
    expect((await machine.resume('p')).status).toBe('completed');
    await machine.close();
  });

  test('routed by on_error, it is not reported once more when the machine is closed', async () => {
    const hooks: HookFactory = (_args, { machineName }) => {
      if (machineName === 'bad') throw new Error('no hooks today');
      return {};
    };
    const bad = child({ done: { type: 'final' } }, { name: 'bad' });
    const machine = await load(parent({ launch: 'bad', on_error: 'failed' }, { bad }), hooks);
    expect((await machine.execute({})).status).toBe('completed');
    await machine.close();
  });

  test('an interruption reaches children that were launched inside children that have ended', async () => {
    const backend = await memory();
    const hooks: MachineHooks = {
      onAction: (_action, _context, call) =>
        new Promise((_resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('never interrupted')), 3000);
          call.signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(call.signal.reason);
          });
        }),
    };
    const slow = child({ go: { action: 'sleep', transitions: [{ to: 'done' }] }, done: { type: 'final' } });
    const middle = child(
      { start: { launch: 'slow', transitions: [{ to: 'done' }] }, done: { type: 'final' } },
      { machines: { slow } },
    );
    const machine = await load(parent({ machine: 'middle' }, { middle }), hooks, { backend });
    const stop = new AbortController();
    expect((await machine.execute({}, { id: 'p', signal: stop.signal })).status).toBe('completed');
    stop.abort();
    const started = performance.now();
    await machine.settled();
    expect(performance.now() - started).toBeLessThan(1500);
    expect((await statuses(backend))['p.1.0.1.l0']).toBe('interrupted');
  });

  test('an interruption while a child is held elsewhere is an interruption, whatever its reason', async () => {
    const backend = await memory();
    const data = parent({ launch: 'asks', launch_input: { n: 1 }, on_error: 'failed' }, { asks });
    await backend.locking.acquire('p.1.l0');
    const machine = await load(data, {}, { backend: { ...backend, locking: await otherLock(backend) } });
    const stop = new AbortController();
    const running = machine.execute({}, { id: 'p', signal: stop.signal });
    await sleep(150);
    stop.abort();
    expect((await running).status).toBe('interrupted');
    await backend.locking.release('p.1.l0');
    await machine.close();
  });

  test('a launched child that was deleted is not started again', async () => {
    const backend = await memory();
    let ran = 0;
    const hooks: MachineHooks = {
      onAction: async () => {
        ran++;
        await sleep(30);
      },
    };
    const worker = child({ go: { action: 'work', transitions: [{ to: 'done' }] }, done: { type: 'final' } });
    const machine = await load(parent({ launch: 'worker' }, { worker }), hooks, { backend });
    await machine.execute({}, { id: 'p' });
    await machine.settled();
    expect(ran).toBe(1);
    await backend.persistence.deleteExecution('p.1.l0');
    await machine.resume('p');
    await machine.settled();
    expect(ran).toBe(1);
  });

  test('records of an execution that launches many do not keep their inputs', async () => {
    const backend = await memory();
    const data = parent({ launch: ['asks', 'asks'], launch_input: { n: 'x'.repeat(10_000) } }, { asks });
    const machine = await load(data, {}, { backend });
    await machine.execute({}, { id: 'p' });
    await machine.settled();
    const last = await backend.persistence.latest('p');
    expect(last?.pending_launches?.map(({ execution_id }) => execution_id)).toEqual(['p.1.l0', 'p.1.l1']);
    expect(JSON.stringify(last).length).toBeLessThan(2000);
  });

  test('what ended launched children have used still bounds the execution after a resume', async () => {
    const backend = await memory();
    const data = {
      settings: { max_agent_calls: 2 },
      context: { got: null },
      agents,
      machines: { calls },
      states: {
        start: { launch: ['calls', 'calls'], transitions: [{ to: 'pass' }] },
        pass: { action: 'sleep', transitions: [{ to: 'wait' }] },
        wait: { wait_for: 'on', transitions: [{ to: 'ask' }] },
        ask: { agent: 'teller', transitions: [{ to: 'done' }] },
        done,
      },
    };
    const machine = await load(data, { onAction: () => sleep(100) }, { backend });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    await machine.settled();
    expect((await backend.persistence.latest('p'))?.pending_launches).toBe(undefined);
    await backend.signals.send('on', 1);
    expect((await machine.resume('p')).status).toBe('limit');
  });

  test('cancelled, a parked execution does not set its launched children going again', async () => {
    const backend = await memory();
    const launches = child(
      {
        start: { launch: 'asks', launch_input: { n: 9 }, transitions: [{ to: 'wait' }] },
        wait: { wait_for: 'never', transitions: [{ to: 'done' }] },
        done,
      },
      { machines: { asks } },
    );
    const data = parent({ machine: 'launches', timeout: 30 }, { launches });
    const machine = await load(data, {}, { backend });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    await machine.settled();
    await backend.persistence.requestCancel('p');
    const events: ExecutionEvent[] = [];
    await machine.resume('p', { onEvent: (event) => events.push(event) });
    await machine.settled();
    expect(await statuses(backend)).toEqual({
      p: 'cancelled',
      'p.1.0': 'cancelled',
      'p.1.0.1.l0': 'cancelled',
    });
    expect(events.filter(({ type }) => type === 'waiting')).toEqual([]);
  });
});

/** A second lock object on the same leases: as another process would have. */
async function otherLock(backend: BackendSet): Promise<BackendSet['locking']> {
  const real = backend.locking;
  const foreign = 'p.1.l0';
  return { ...real, acquire: async (key) => (key === foreign ? false : real.acquire(key)) };
}

describe('budgets', () => {
  test('what children used counts although a later part of the state is done by another run', async () => {
    const backend = await memory();
    const data = parent({ machine: 'calls', agent: 'teller' }, { calls }, { agents });
    const poor = await load({ ...data, settings: { max_agent_calls: 1 } }, {}, { backend });
    expect((await poor.execute({}, { id: 'p' })).status).toBe('limit');
    expect((await poor.resume('p')).status).toBe('limit');
    const rich = await load({ ...data, settings: { max_agent_calls: 2 } }, {}, { backend });
    expect((await rich.resume('p', { allowDrift: true })).status).toBe('completed');
    expect(await backend.persistence.latest('p')).toMatchObject({ total_api_calls: 2 });
  });

  test('a resume knows what all its children have used before it lets one go on', async () => {
    const backend = await memory();
    const machine = [{ name: 'first' }, ...['b', 'c'].map((n) => ({ name: `calls${n}`, input: { n } }))];
    const data = parent(
      { machine, input: { n: 0 }, max_concurrency: 1 },
      { first: waitsThenCalls, callsb: calls, callsc: calls },
      { settings: { max_agent_calls: 2, max_concurrency: 1 } },
    );
    const loaded = await load(data, {}, { backend });
    expect((await loaded.execute({}, { id: 'p' })).status).toBe('waiting');
    await backend.signals.send('go/0', 1);
    const again = await load(data, {}, { backend });
    expect((await again.resume('p')).status).toBe('limit');
  });

  test('any: what losers used counts, taken up again or not', async () => {
    const backend = await memory();
    const data = parent(
      { machine: 'c', foreach: [0, 1, 2, 3], as: 'n', mode: 'any', max_concurrency: 1 },
      { c: callsThenWaits },
    );
    const machine = await load(data, {}, { backend });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    await backend.signals.send('go/0', 1);
    const again = await load(data, {}, { backend });
    expect((await again.resume('p')).status).toBe('completed');
    expect(await backend.persistence.latest('p')).toMatchObject({ total_api_calls: 4 });
    expect(await statuses(backend)).toMatchObject({ 'p.1.0': 'completed', 'p.1.3': 'cancelled' });
  });

  test('any: a winner of a run that died before its commit counts, and gives back what it owns', async () => {
    const real = await memory();
    const ended = new Set<string>();
    const hooks: HookFactory = (_args, { executionId }) => ({
      onExecutionEnd: () => void ended.add(executionId),
    });
    for (let n = 1; n < 12; n++) {
      const store = dyingStore({ ...real });
      const data = parent(
        { machine: 'c', foreach: [0, 1], as: 'n', mode: 'any', max_concurrency: 1 },
        { c: calls },
      );
      const machine = await load(data, hooks, { backend: store.backends });
      store.dieAt(n, 'after');
      const id = `p${n}`;
      await machine.execute({}, { id }).catch(() => {});
      await machine.settled().catch(() => {});
      if (!store.dead) break;
      store.revive();
      ended.clear();
      if ((await real.persistence.latest(id)) === null) continue;
      const result = await (await load(data, hooks, { backend: real })).resume(id);
      expect(result, id).toMatchObject({ status: 'completed', output: { n: 0 } });
      expect(await real.persistence.latest(id)).toMatchObject({ total_api_calls: 1 });
    }
  });

  test('max_steps of a file bounds the whole tree exactly, however many children run at once', async () => {
    const backend = await memory();
    const hooks: MachineHooks = { onAction: () => sleep(2) };
    const worker = child({
      a: { action: 'work', transitions: [{ to: 'b' }] },
      b: { action: 'work', transitions: [{ to: 'c' }] },
      c: { action: 'work', transitions: [{ to: 'done' }] },
      done: { type: 'final' },
    });
    const data = parent(
      { machine: 'worker', foreach: 'input.xs' },
      { worker },
      { settings: { max_steps: 10 } },
    );
    const machine = await load(data, hooks, { backend });
    const result = await machine.execute({ xs: [1, 2, 3, 4, 5, 6, 7] }, { id: 'p' });
    expect(result.status).toBe('limit');
    const all = await backend.persistence.executions({ parent: 'p' });
    let steps = 0;
    for (const { execution_id } of all) {
      const records = await backend.persistence.history(execution_id);
      steps += records.filter(({ snapshot }) => snapshot.step > 0 && snapshot.status !== 'limit').length;
    }
    expect(steps).toBeLessThanOrEqual(10);
  });
});

describe('children of work that is given up', () => {
  test('--from ends them', async () => {
    const backend = await memory();
    const data = parent({ machine: 'asks', input: { n: 1 } }, { asks });
    const machine = await load(data, {}, { backend });
    await machine.execute({}, { id: 'p' });
    expect((await machine.resume('p', { from: 'done' })).status).toBe('completed');
    await machine.settled();
    expect(await statuses(backend)).toEqual({ p: 'completed', 'p.1.0': 'cancelled' });
    expect(await backend.signals.waits()).toEqual([]);
  });

  test('a crash between the step that gave them up and their end leaves none behind', async () => {
    const real = await memory();
    const data = parent(
      { machine: 'asks', input: { n: 1 }, timeout: 0.05, on_error: { TimeoutError: 'failed' } },
      { asks },
    );
    const store = dyingStore(real);
    const machine = await load(data, {}, { backend: store.backends });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    await sleep(60);
    // The next process dies with the commit of the recovery.
    store.dieAt(1, 'after');
    await machine.resume('p').catch(() => {});
    await machine.settled().catch(() => {});
    store.revive();
    const next = await load(data, {}, { backend: real });
    await next.resume('p');
    await next.settled();
    expect(await statuses(real)).toEqual({ p: 'completed', 'p.1.0': 'cancelled' });
  });

  test('a crash in the middle of cancelling a tree is made good', async () => {
    for (let n = 1; n < 12; n++) {
      const real = await memory();
      const mid = child(
        { go: { machine: 'asks', input: { n: 1 }, transitions: [{ to: 'done' }] }, done: { type: 'final' } },
        { machines: { asks } },
      );
      const data = parent({ machine: 'mid' }, { mid });
      const store = dyingStore(real);
      const machine = await load(data, {}, { backend: store.backends });
      expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
      await real.persistence.requestCancel('p');
      store.dieAt(n, 'after');
      await machine.resume('p').catch(() => {});
      await machine.settled().catch(() => {});
      const died = store.dead;
      store.revive();
      const next = await load(data, {}, { backend: store.backends });
      await next.resume('p');
      await next.settled();
      expect(await statuses(real), `${n}`).toEqual({
        p: 'cancelled',
        'p.1.0': 'cancelled',
        'p.1.0.1.0': 'cancelled',
      });
      if (!died) break;
    }
  });
});

describe('many children', () => {
  test('a parent of many parked children is woken at little cost, and seldom', async () => {
    const backend = await memory();
    const data = parent({ machine: 'asks', foreach: 'input.xs', as: 'n' }, { asks });
    const n = 300;
    let machine: FlatMachine = await load(data, {}, { backend });
    await machine.execute({ xs: Array.from({ length: n }, (_, i) => i) }, { id: 'p' });
    machine = await load(data, {}, { backend });
    let parentWakes = 0;
    for (let i = 0; i < n; i++) {
      await backend.signals.send(`go/${i}`, i);
      for (;;) {
        const [ready] = await backend.signals.ready(Date.now(), 1);
        if (ready === undefined) break;
        if (ready.execution_id === 'p') parentWakes++;
        const of = ready.execution_id === 'p' ? machine : (machine.at(['asks']) as FlatMachine);
        await of.resume(ready.execution_id);
      }
    }
    expect((await backend.persistence.latest('p'))?.status).toBe('completed');
    expect(parentWakes).toBeLessThan(10);
  });
});

describe('bounds', () => {
  test('work that was told to end for its timeout is not carried over by an interruption that comes after it', async () => {
    const hooks: MachineHooks = {
      onAction: (_action, _context, call) =>
        new Promise((_resolve, reject) => {
          call.signal.addEventListener('abort', () => setTimeout(() => reject(new Error('ended late')), 40));
        }),
    };
    const data = {
      states: {
        work: {
          action: 'slow',
          timeout: 0.1,
          on_error: { TimeoutError: 'late' },
          transitions: [{ to: 'late' }],
        },
        late: { type: 'final' },
      },
    };
    const machine = await load(data, hooks);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 115);
    const result = await machine.execute({}, { id: 'p', signal: stop.signal });
    expect(result).toMatchObject({ status: 'interrupted', state: 'late' });
  });
});

describe('Budget', () => {
  const none = {
    calls: Number.POSITIVE_INFINITY,
    cost: Number.POSITIVE_INFINITY,
    steps: Number.POSITIVE_INFINITY,
  };

  test('a child that is taken up again counts once, and what its lost run still has in hand no more', () => {
    const above = new Budget({ ...none, calls: 4 });
    const link = { budget: above, counted: true, id: 'c' };
    const lost = new Budget(none, { calls: 1 }, link);
    const late = lost.reserveCall();
    const again = new Budget(none, { calls: 2 }, link);
    expect(above.spent.calls).toBe(2);
    late.settle({ calls: 1, cost: 0 });
    expect(above.spent.calls).toBe(2);
    again.reserveCall().settle({ calls: 1, cost: 0 });
    again.reserveCall().settle({ calls: 1, cost: 0 });
    expect(() => again.reserveCall()).toThrow('max_agent_calls');
  });

  test('steps under way count until they are over', () => {
    const above = new Budget({ ...none, steps: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((id) => new Budget(none, {}, { budget: above, counted: true, id }));
    expect(a!.beginStep()).toBe(true);
    expect(b!.beginStep()).toBe(true);
    expect(c!.beginStep()).toBe(false);
    a!.endStep();
    expect(c!.beginStep()).toBe(true);
    c!.endStep();
    c!.addStep();
    expect(a!.beginStep()).toBe(false);
  });
});
