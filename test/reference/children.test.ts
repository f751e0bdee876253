import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';
import { child, echo, oneState, outputOf, refusal, run, script } from './helpers.ts';

/** A child that fails with a type of its own. */
const failing = child({
  agents: { broken: script({ error: { code: 'auth', message: 'no key' } }) },
  states: { a: { type: 'initial', agent: 'broken', transitions: [{ to: 'end' }] }, end: { type: 'final' } },
});

/** A child whose action takes as many milliseconds as its input says, or fails at once. */
const working = child({
  hooks: 'test',
  states: {
    a: { type: 'initial', action: 'work', input: 'input', transitions: [{ to: 'end' }] },
    end: { type: 'final', output: { name: 'input.name' } },
  },
});
const machines = { a: working, b: working, c: working };
const hooks = (ended: string[] = []): MachineHooks => ({
  actions: ['work'],
  async onAction(_action, _context, call) {
    const { ms, fail } = call.input;
    if (fail) throw new RangeError(`${call.input.name} failed`);
    if (typeof ms === 'number') await sleep(ms, undefined, { signal: call.signal });
    return { output: null };
  },
  onExecutionEnd: (id, status) => void ended.push(`${id} ${status}`),
});

describe('children', () => {
  it('case 49: one child; its output is mapped, its error is routed by its own type', async () => {
    const data = oneState(
      { machine: 'echo', input: { n: '{{ input.n + 1 }}' } },
      { machines: { echo: echo() } },
    );
    expect(await outputOf(data, { n: 1 })).toEqual({ got: { n: 2 } });
    const broken = oneState(
      { machine: 'bad', on_error: { AuthError: 'end' } },
      { machines: { bad: failing } },
    );
    expect(await run(broken)).toMatchObject({
      status: 'completed',
      context: { last_error_type: 'AuthError' },
    });
    expect(await run(oneState({ machine: 'bad' }, { machines: { bad: failing } }))).toMatchObject({
      status: 'failed',
      error: { error_type: 'AuthError' },
    });
  });

  it('case 50: a list gives a map; a failed child says so in its place', async () => {
    const data = oneState(
      { machine: ['good', 'bad'] },
      { machines: { good: echo({ ok: 1 }), bad: failing } },
    );
    expect(await outputOf(data)).toEqual({
      good: { ok: 1 },
      bad: { _error: expect.stringContaining('no key'), _error_type: 'AuthError' },
    });
  });

  it('case 51 (decided): an entry’s own input lies over the state’s; one name twice is refused', async () => {
    const state = { machine: [{ name: 'one', input: { x: 1 } }, 'two'], input: { x: 0, y: 2 } };
    expect(await outputOf(oneState(state, { machines: { one: echo(), two: echo() } }))).toEqual({
      one: { got: { x: 1, y: 2 } },
      two: { got: { x: 0, y: 2 } },
    });
    expect(
      await refusal(machineOf(oneState({ machine: ['one', 'one'] }, { machines: { one: echo() } }))),
    ).not.toEqual([]);
  });

  it('case 52: any takes the first success at once and cancels the others; none is an error', async () => {
    const ended: string[] = [];
    const entry = (name: string, input: JsonObject) => ({ name, input: { name, ...input } });
    const state = {
      mode: 'any',
      machine: [entry('a', { fail: true }), entry('b', { ms: 20 }), entry('c', { ms: 20_000 })],
    };
    const machine = await load(oneState(state, { machines }), hooks(ended));
    const started = performance.now();
    expect((await machine.execute({}, { id: 'any' })).output).toEqual({ b: { name: 'b' } });
    expect(performance.now() - started).toBeLessThan(5000);
    await machine.settled();
    const statuses = await machine.backends.persistence.executions({ parent: 'any' });
    expect(statuses.map(({ status }) => status).sort()).toEqual(['cancelled', 'completed', 'failed']);
    expect(ended.filter((line) => line.endsWith('cancelled'))).toHaveLength(1);
    const none = { mode: 'any', machine: [entry('a', { fail: true }), entry('b', { fail: true })] };
    expect(await run(oneState(none, { machines }), {}, hooks())).toMatchObject({
      status: 'failed',
      error: { error_type: 'NoSuccessError' },
    });
  });

  it('case 53 (decided): a timeout ends one child or several, as a TimeoutError', async () => {
    for (const machine of ['a', ['a', 'b']]) {
      const data = oneState(
        { machine, input: { ms: 20_000 }, timeout: 0.15, on_error: { TimeoutError: 'end' } },
        { machines },
      );
      const loaded = await load(data, hooks());
      const started = performance.now();
      expect(await loaded.execute({}, { id: 't' })).toMatchObject({
        status: 'completed',
        context: { last_error_type: 'TimeoutError' },
      });
      expect(performance.now() - started).toBeLessThan(1150);
      await loaded.settled();
      const statuses = await loaded.backends.persistence.executions({ parent: 't' });
      expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(['cancelled']));
    }
  });

  it('case 54: foreach gives a list, or a map by key; what is no list is an error', async () => {
    const each = (extra: JsonObject) =>
      oneState(
        { machine: 'echo', foreach: 'input.xs', input: { x: '{{ item.n }}' }, ...extra },
        { machines: { echo: echo() } },
      );
    const xs = [
      { n: 3, k: 'c' },
      { n: 1, k: 'a' },
    ];
    expect(await outputOf(each({}), { xs })).toEqual([{ got: { x: 3 } }, { got: { x: 1 } }]);
    expect(await outputOf(each({ key: '{{ item.k }}' }), { xs })).toEqual({
      c: { got: { x: 3 } },
      a: { got: { x: 1 } },
    });
    expect(await run(each({}), { xs: 'text' })).toMatchObject({
      status: 'failed',
      error: { error_type: 'NotAListError' },
    });
  });

  it('case 55: an item’s templates see everything; keys are unique; an empty list is an empty result', async () => {
    const data = (extra: JsonObject = {}): JsonObject => ({
      context: { base: 10 },
      ...oneState(
        {
          machine: 'echo',
          foreach: 'input.xs',
          as: 'x',
          input: { sum: '{{ context.base + x + index + input.more }}' },
          ...extra,
        },
        { machines: { echo: echo() } },
      ),
    });
    expect(await outputOf(data(), { xs: [1, 2], more: 100 })).toEqual([
      { got: { sum: 111 } },
      { got: { sum: 113 } },
    ]);
    expect(await run(data({ key: 'same' }), { xs: [1, 2], more: 0 })).toMatchObject({
      status: 'failed',
      error: { error_type: 'DuplicateKeyError' },
    });
    expect(await outputOf(data(), { xs: [], more: 0 })).toEqual([]);
    expect(await outputOf(data({ key: '{{ x }}' }), { xs: [], more: 0 })).toEqual({});
    expect(await outputOf(data({ mode: 'any' }), { xs: [], more: 0 })).toEqual([]);
  });

  it('case 56: a thousand items, eight at once', async () => {
    let running = 0;
    let most = 0;
    const counting: MachineHooks = {
      async onAction() {
        most = Math.max(most, ++running);
        await sleep(0);
        running--;
        return { output: null };
      },
    };
    const data = oneState(
      { machine: 'a', foreach: 'input.xs', max_concurrency: 8, input: { name: 'item' } },
      { machines },
    );
    const xs = Array.from({ length: 1000 }, (_, i) => `n${i}`);
    expect(await outputOf(data, { xs }, counting)).toEqual(xs.map((name) => ({ name })));
    expect(most).toBe(8);
  });

  it('case 57: what children cost and call is in the parent’s totals', async () => {
    const paid = child({
      agents: { writer: script({ content: 'x', cost: 0.25 }, { content: 'y', cost: 0.5 }) },
      states: {
        a: { type: 'initial', agent: 'writer', transitions: [{ to: 'b' }] },
        b: { agent: 'writer', transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    });
    const data = oneState({ machine: ['one', 'two'] }, { machines: { one: paid, two: paid } });
    const states = {
      ...(data.states as JsonObject),
      end: {
        type: 'final',
        output: { cost: 'context.machine.total_cost', calls: 'context.machine.total_api_calls' },
      },
    };
    expect(await outputOf({ ...data, states })).toEqual({ cost: 1.5, calls: 4 });
  });

  it('case 58: max_depth holds for the whole tree, before any work', async () => {
    const leaf = child({
      hooks: 'test',
      states: {
        a: { type: 'initial', action: 'note', transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    });
    const middle = child({
      machines: { leaf },
      states: {
        a: { type: 'initial', machine: 'leaf', transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    });
    const noted: unknown[] = [];
    const noting: MachineHooks = {
      onAction: (_action, context) => void noted.push((context.machine as JsonObject).depth),
    };
    const data = (max_depth: number) =>
      oneState({ machine: 'middle' }, { settings: { max_depth }, machines: { middle } });
    expect(await run(data(1), {}, noting)).toMatchObject({
      status: 'failed',
      error: { error_type: 'DepthError' },
    });
    expect(noted).toEqual([]);
    expect(await run(data(2), {}, noting)).toMatchObject({ status: 'completed' });
    expect(noted).toEqual([2]);
  });

  it('case 59: launch goes on at once; the child’s result is read later', async () => {
    const backend = await memory();
    const data = oneState(
      { launch: ['a', 'b'], launch_input: { ms: 100, name: '{{ input.name }}' } },
      { machines: { a: working, b: failing } },
    );
    const machine = await load(data, hooks(), { backend });
    expect(await machine.execute({ name: 'n' }, { id: 'p' })).toMatchObject({ status: 'completed' });
    expect(await backend.persistence.latest('p.1.l0')).toMatchObject({ status: 'running' });
    await machine.settled();
    const children = await backend.persistence.executions({ parent: 'p' });
    const results = await Promise.all(
      children.map(({ execution_id: id }) => backend.results.read(`flatagents://${id}/result`)),
    );
    expect(results).toEqual(
      expect.arrayContaining([{ name: 'n' }, { _error: expect.any(String), _error_type: 'AuthError' }]),
    );
  });
});
