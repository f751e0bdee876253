import { describe, expect, test } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

/** An inline child that ends with what `output` renders to. */
function child(states: JsonObject, data: JsonObject = {}): JsonObject {
  return machineOf({ name: 'child', hooks: 'test', ...data, states });
}

const double = child({ done: { type: 'final', output: { n: '{{ input.n * 2 }}' } } });
const broken = child({
  go: { action: 'fail', transitions: [{ to: 'done' }] },
  done: { type: 'final' },
});

const failing: MachineHooks = {
  onAction(action) {
    if (action === 'fail') throw Object.assign(new Error('no luck'), { name: 'LuckError' });
    return undefined;
  },
};

/** A machine of one state with these fields, which ends with that state's output. */
function parent(fields: JsonObject, machines: JsonObject, data: JsonObject = {}): JsonObject {
  return {
    context: { got: null },
    ...data,
    machines,
    states: {
      work: { output_to_context: { got: 'output' }, ...fields, transitions: [{ to: 'done' }] },
      failed: { type: 'final', output: { error: 'context.last_error_type', message: 'context.last_error' } },
      done: { type: 'final', output: { got: 'context.got' } },
    },
  };
}

async function outputOf(
  data: JsonObject,
  hooks: MachineHooks = failing,
  input: JsonObject = {},
): Promise<JsonValue> {
  const machine = await load(data, hooks);
  const result = await machine.execute(input);
  await machine.close();
  expect(result.error).toBe(null);
  return result.output;
}

describe('child machines', () => {
  test('one child: its output is the state’s', async () => {
    const output = await outputOf(parent({ machine: 'double', input: { n: 4 } }, { double }));
    expect(output).toEqual({ got: { n: 8 } });
  });

  test('a child’s error reaches on_error with the child’s type', async () => {
    const output = await outputOf(
      parent({ machine: 'broken', on_error: { LuckError: 'failed' } }, { broken }),
    );
    expect(output).toEqual({ error: 'LuckError', message: 'no luck' });
  });

  test('a list of names gives a map, and a failed child’s place says why', async () => {
    const output = await outputOf(
      parent({ machine: ['double', 'broken'], input: { n: 1 } }, { double, broken }),
    );
    expect(output).toEqual({
      got: { double: { n: 2 }, broken: { _error: 'no luck', _error_type: 'LuckError' } },
    });
  });

  test('an entry’s input overlays the state’s', async () => {
    const echo = child({ done: { type: 'final', output: 'input' } });
    const machine = [{ name: 'a', input: { x: 2 } }, { name: 'b' }];
    const output = await outputOf(parent({ machine, input: { x: 1, y: 1 } }, { a: echo, b: echo }));
    expect(output).toEqual({ got: { a: { x: 2, y: 1 }, b: { x: 1, y: 1 } } });
  });

  test('foreach gives a list in input order, and its templates see context, input, item and index', async () => {
    const echo = child({ done: { type: 'final', output: 'input' } });
    const data = parent(
      {
        machine: 'echo',
        foreach: 'input.xs',
        as: 'x',
        input: { x: 'x', i: 'index', c: 'context.c', n: '{{ input.n ~ x }}' },
      },
      { echo },
      { context: { got: null, c: 'C' } },
    );
    const output = await outputOf(data, failing, { xs: ['a', 'b'], n: 'n' });
    expect(output).toEqual({
      got: [
        { x: 'a', i: 0, c: 'C', n: 'na' },
        { x: 'b', i: 1, c: 'C', n: 'nb' },
      ],
    });
  });

  test('foreach with a key gives a map; two items of one key are an error; an empty list gives []', async () => {
    const data = parent(
      {
        machine: 'double',
        foreach: 'input.xs',
        key: '{{ item.k }}',
        input: { n: '{{ item.n }}' },
        on_error: 'failed',
      },
      { double },
    );
    expect(
      await outputOf(data, failing, {
        xs: [
          { k: 'a', n: 1 },
          { k: 'b', n: 2 },
        ],
      }),
    ).toEqual({ got: { a: { n: 2 }, b: { n: 4 } } });
    expect(
      await outputOf(data, failing, {
        xs: [
          { k: 'a', n: 1 },
          { k: 'a', n: 2 },
        ],
      }),
    ).toMatchObject({ error: 'DuplicateKeyError' });
    expect(await outputOf(data, failing, { xs: 'abc' })).toMatchObject({ error: 'NotAListError' });
    const list = parent({ machine: 'double', foreach: 'input.xs' }, { double });
    expect(await outputOf(list, failing, { xs: [] })).toEqual({ got: [] });
  });

  test('never more children at once than max_concurrency', async () => {
    let now = 0;
    let most = 0;
    const hooks: MachineHooks = {
      async onAction() {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        now--;
      },
    };
    const worker = child({ go: { action: 'work', transitions: [{ to: 'done' }] }, done: { type: 'final' } });
    const data = parent({ machine: 'worker', foreach: 'input.xs', max_concurrency: 5 }, { worker });
    await outputOf(data, hooks, { xs: Array.from({ length: 60 }, (_, i) => i) });
    expect(most).toBe(5);
  });

  test('any: the first success wins, the others are cancelled', async () => {
    const hooks: MachineHooks = {
      async onAction(action, _context, call) {
        if (action === 'fail') throw new Error('no luck');
        await new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, call.input.ms as number);
          call.signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(call.signal.reason);
          });
        });
      },
    };
    const sleeper = child({
      go: { action: 'sleep', input: { ms: 'input.ms' }, transitions: [{ to: 'done' }] },
      done: { type: 'final', output: { ms: 'input.ms' } },
    });
    const backend = await memory();
    const machine = [
      { name: 'broken' },
      { name: 'quick', input: { ms: 20 } },
      { name: 'slow', input: { ms: 20_000 } },
    ];
    const loaded = await load(
      parent({ machine, mode: 'any' }, { broken, quick: sleeper, slow: sleeper }),
      hooks,
      { backend },
    );
    const started = performance.now();
    const result = await loaded.execute({}, { id: 'race' });
    expect(performance.now() - started).toBeLessThan(2000);
    expect(result.output).toEqual({ got: { quick: { ms: 20 } } });
    const statuses = (await backend.persistence.executions({ parent: 'race' })).map(
      ({ execution_id, status }) => [execution_id, status],
    );
    expect(Object.fromEntries(statuses)).toEqual({
      'race.1.0': 'failed',
      'race.1.1': 'completed',
      'race.1.2': 'cancelled',
    });
  });

  test('any: all failed is an error that says with what', async () => {
    const output = await outputOf(
      parent({ machine: ['a', 'b'], mode: 'any', on_error: 'failed' }, { a: broken, b: broken }),
    );
    expect(output).toMatchObject({ error: 'NoSuccessError' });
  });

  test('a timeout ends the children', async () => {
    const hooks: MachineHooks = { onAction: () => new Promise(() => {}) };
    const hang = child({ go: { action: 'hang', transitions: [{ to: 'done' }] }, done: { type: 'final' } });
    const backend = await memory();
    const data = parent({ machine: 'hang', timeout: 0.2, on_error: { TimeoutError: 'failed' } }, { hang });
    const machine = await load(data, hooks, { backend });
    const started = performance.now();
    const result = await machine.execute({}, { id: 'late' });
    expect(performance.now() - started).toBeLessThan(400);
    expect(result.output).toMatchObject({ error: 'TimeoutError' });
    await machine.settled();
    expect((await backend.persistence.latest('late.1.0'))?.status).toBe('cancelled');
  });

  test('max_depth ends a recursion with a typed error, before anything of the child begins', async () => {
    const backend = await memory();
    const level3 = machineOf(parent({ machine: 'double', input: { n: 1 } }, { double }));
    const level2 = machineOf(parent({ machine: 'level3' }, { level3 }));
    const data = parent(
      { machine: 'level2', on_error: { DepthError: 'failed' } },
      { level2 },
      { settings: { max_depth: 2 } },
    );
    const machine = await load(data, failing, { backend });
    const result = await machine.execute({}, { id: 'deep' });
    expect(result.output).toMatchObject({ error: 'DepthError' });
    const all = await backend.persistence.executions({});
    expect(all.map(({ execution_id }) => execution_id).sort()).toEqual(['deep', 'deep.1.0', 'deep.1.0.1.0']);
  });

  test('a launched child goes on after its parent has ended', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const hooks: MachineHooks = { onAction: () => gate };
    const worker = child({
      go: { action: 'wait', transitions: [{ to: 'done' }] },
      done: { type: 'final', output: { n: 'input.n' } },
    });
    const backend = await memory();
    const machine = await load(parent({ launch: 'worker', launch_input: { n: 7 } }, { worker }), hooks, {
      backend,
    });
    const result = await machine.execute({}, { id: 'root' });
    expect(result.status).toBe('completed');
    const child1 = await backend.persistence.latest('root.1.l0');
    expect(child1).toMatchObject({ status: 'running', parent_execution_id: 'root', depth: 1 });
    release();
    await machine.settled();
    expect(await backend.results.read('flatagents://root.1.l0/result')).toEqual({ n: 7 });
  });

  test('what children spend counts in the parent, and a budget holds over the whole tree', async () => {
    const agents = {
      teller: { type: 'script', config: { answers: [{ content: 'a', cost: 0.5 }], cycle: true } },
    };
    const asking = child(
      { ask: { agent: 'teller', transitions: [{ to: 'done' }] }, done: { type: 'final' } },
      { agents },
    );
    const data = parent({ machine: 'asking', foreach: 'input.xs' }, { asking });
    const backend = await memory();
    const free = await load(data, {}, { backend });
    await free.execute({ xs: [1, 2, 3] }, { id: 'free' });
    expect(await backend.persistence.latest('free')).toMatchObject({ total_api_calls: 3, total_cost: 1.5 });
    const bounded = await load(
      { ...data, settings: { max_agent_calls: 2, max_concurrency: 8 } },
      {},
      { backend },
    );
    const stopped = await bounded.execute({ xs: [1, 2, 3, 4, 5] }, { id: 'bounded' });
    expect(stopped.status).toBe('limit');
    const children = await backend.persistence.executions({ parent: 'bounded' });
    expect(children.filter(({ status }) => status === 'completed').length).toBe(2);
    expect(children.filter(({ status }) => status === 'limit').length).toBe(3);
    // With a larger budget the rest is done, and nothing is paid twice.
    const richer = await load({ ...data, settings: { max_agent_calls: 20 } }, {}, { backend });
    const done = await richer.resume('bounded', { allowDrift: true });
    expect(done.status).toBe('completed');
    expect(await backend.persistence.latest('bounded')).toMatchObject({
      total_api_calls: 5,
      total_cost: 2.5,
    });
  });

  test('a limit in the middle of samples keeps those that were made', async () => {
    const agents = { teller: { type: 'script', config: { answers: ['a', 'b', 'c', 'd'] } } };
    const states = {
      ask: {
        agent: 'teller',
        execution: { type: 'parallel', n_samples: 4 },
        output_to_context: { got: 'output' },
        transitions: [{ to: 'done' }],
      },
      done: { type: 'final', output: 'context.got' },
    };
    const backend = await memory();
    const data = { context: { got: null }, agents, states };
    const poor = await load({ ...data, settings: { max_agent_calls: 2 } }, {}, { backend });
    expect((await poor.execute({}, { id: 'x' })).status).toBe('limit');
    const rich = await load({ ...data, settings: { max_agent_calls: 9 } }, {}, { backend });
    const done = await rich.resume('x', { allowDrift: true });
    expect(done.output).toMatchObject({ count: 4 });
    expect(await backend.persistence.latest('x')).toMatchObject({ total_api_calls: 4 });
  });

  test('a budget is not overdrawn when a resume finds calls with a gap between them', async () => {
    const agents = { teller: { type: 'script', config: { answers: ['a', 'b', 'c', 'd', 'e'] } } };
    const states = {
      ask: {
        agent: 'teller',
        execution: { type: 'parallel', n_samples: 5 },
        transitions: [{ to: 'done' }],
      },
      done: { type: 'final' },
    };
    const backend = await memory();
    let calls = 0;
    const machine = await load({ agents, states, settings: { max_agent_calls: 3 } }, {}, { backend });
    const first = await machine.execute({}, { id: 'x', signal: AbortSignal.abort() });
    expect(first.status).toBe('interrupted');
    // What a crash may leave: calls 0, 1 and 3 were journaled, 2 was not.
    const { work_step } = (await backend.persistence.latest('x'))!;
    for (const n of [0, 1, 3]) {
      await backend.journal.append(
        'x',
        work_step,
        `call.${n}`,
        { result: { content: 'x' }, duration_ms: 1 },
        null,
      );
    }
    const stopped = await machine.resume('x', {
      onEvent: (event) => {
        if (event.type === 'agent_output') calls++;
      },
    });
    expect(stopped.status).toBe('limit');
    expect(calls).toBe(0);
  });
});
