import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isFlatMachineError } from '../../src/errors.ts';
import { compileMachine, loadMachineFile, loadMachineObject } from '../../src/machine/index.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machine, scratch } from './helpers.ts';

const scope = (context: JsonObject, rest: { input?: JsonObject; output?: JsonObject } = {}) => ({
  context,
  input: {},
  ...rest,
});

const WHOLE = machine(`name: demo
context:
  n: "{{ input.n }}"
  list: [1, {deep: "{{ input.n }}"}]
hooks:
  - logging
  - {name: webhook, args: {url: "http://x"}}
  - {module: some-package, class: Theirs}
lifecycle_hooks: metrics
settings: {max_steps: 7, max_cost: 1.5, backends: {persistence: sqlite}}
persistence: {keep: all, checkpoint_on: [machine_start]}
states:
  begin:
    type: initial
    action: work
    hooks: {name: logging, args: {level: debug}}
    input:
      who: "{{ context.n }}"
      text: "n={{ context.n }}"
    output_to_context:
      b: output.x
      a: {inner: ["{{ context.b }}"]}
    timeout: 2.5
    on_error: {TimeoutError: slow, default: bad}
    transitions:
      - {condition: "context.n > 3", to: end}
      - {condition: false, to: slow}
      - {condition: true, to: end}
  slow: {transitions: [{to: end}], on_error: bad}
  bad: {type: final}
  end: {type: final, output: context.list}`);

describe('compiling', () => {
  it('makes closures of everything', async () => {
    const compiled = await compileMachine(await load(WHOLE));
    expect(compiled).toMatchObject({ name: 'demo', specVersion: '1.0.0', initial: 'begin' });
    expect([...compiled.states.keys()]).toEqual(['begin', 'slow', 'bad', 'end']);
    expect(compiled.context(scope({ n: 'not seen' }, { input: { n: 5 } }))).toEqual({
      n: 5,
      list: [1, { deep: 5 }],
    });

    const begin = compiled.states.get('begin');
    expect(begin).toMatchObject({
      action: 'work',
      timeout: 2.5,
      final: false,
      output: null,
      parts: ['action'],
    });
    expect(begin?.location).toMatchObject({ line: 16, column: 5 });
    expect(begin?.input?.(scope({ n: 5 }))).toEqual({ who: 5, text: 'n=5' });
    expect(begin?.outputToContext.map(([key]) => key)).toEqual(['b', 'a']);
    expect(begin?.outputToContext[1]?.[1](scope({ b: 1 }))).toEqual({ inner: [1] });
    expect(begin?.onError?.byType).toEqual(new Map([['TimeoutError', 'slow']]));
    expect(begin?.onError?.default).toBe('bad');
    expect(begin?.hooks).toMatchObject([{ kind: 'named', name: 'logging', args: { level: 'debug' } }]);

    const [first, never, always] = begin?.transitions ?? [];
    expect([first?.condition?.(scope({ n: 4 })), first?.condition?.(scope({ n: 3 }))]).toEqual([true, false]);
    expect(first?.source).toBe('context.n > 3');
    expect(never?.condition?.(scope({}))).toBe(false);
    expect(always).toEqual({ condition: null, source: null, to: 'end' });
    expect(compiled.states.get('slow')?.onError).toEqual({ byType: new Map(), default: 'bad' });
    expect(compiled.states.get('end')?.output?.(scope({ list: [1] }))).toEqual([1]);
  });

  it('fills in the defaults', async () => {
    const whole = await compileMachine(await load(WHOLE));
    expect(whole.settings).toEqual({
      max_steps: 7,
      bounds_tree: true,
      max_depth: 10,
      max_concurrency: 16,
      max_agent_calls: null,
      max_cost: 1.5,
      heartbeat_interval: 30,
      backends: { persistence: 'sqlite' },
    });
    expect(whole.persistence).toEqual({
      enabled: true,
      backend: null,
      db_path: null,
      checkpoint_on: ['machine_start'],
      keep: 'all',
    });
    expect(whole.hooks).toMatchObject([
      { kind: 'named', name: 'logging', args: {} },
      { kind: 'named', name: 'webhook', args: { url: 'http://x' } },
      { kind: 'class', module: 'some-package', class: 'Theirs' },
    ]);
    expect(whole.lifecycleHooks).toMatchObject([{ kind: 'named', name: 'metrics' }]);
    const bare = await compileMachine(await load(machine('states: {done: {type: final}}'), 'bare.yml'));
    expect(bare).toMatchObject({
      name: 'bare',
      initial: 'done',
      hooks: [],
      settings: { max_steps: 1000, backends: {} },
    });
    expect(bare.context(scope({}))).toEqual({});
  });

  it.each([
    ['states: {a: {transitions: [{to: start}]}, start: {type: final}}', 'start'],
    ['states: {a: {type: final}, b: {type: final}}', 'a'],
    ['states: {start: {type: final}, z: {type: initial, transitions: [{to: start}]}}', 'z'],
  ])('finds the initial state of %s', async (data, initial) => {
    expect((await compileMachine(await load(machine(data)))).initial).toBe(initial);
  });

  it.each([
    ['1.0.0', '', 5],
    ['0.9.0', '', 5],
    ['1.1.0', '', '5'],
    ['4.2.1', '', '5'],
    ['4.2.1', 'settings: {templates: native}', 5],
    ['1.0.0', 'settings: {templates: text}', '5'],
  ])('renders by the version: %s %s', async (version, settings, expected) => {
    const text = machine(`${settings}\nstates: {done: {type: final, output: {n: "{{ input.n }}"}}}`, version);
    const compiled = await compileMachine(await load(text));
    expect(compiled.states.get('done')?.output?.(scope({}, { input: { n: 5 } }))).toEqual({ n: expected });
  });

  it('compiles CEL', async () => {
    const text = machine(
      'expression_engine: cel\nstates: {a: {transitions: [{condition: "size(input.xs) > 1 && input.xs.all(x, x < 5)", to: b}, {to: b}]}, b: {type: final}}',
    );
    const file = await compileMachine(await load(text));
    const object = await compileMachine(await loadMachineObject(file.config, { dir: '.' }));
    for (const { states } of [file, object]) {
      const condition = states.get('a')?.transitions[0]?.condition;
      expect(condition?.(scope({}, { input: { xs: [1, 2] } }))).toBe(true);
      expect(condition?.(scope({}, { input: { xs: [1, 7] } }))).toBe(false);
    }
  });

  it('lists the parts of a state in the order they are done', async () => {
    const text = machine(
      `agents: {w: {type: command}}
machines: {k: {data: {states: {z: {type: final}}}}}
hooks: logging
states: {a: {agent: w, machine: k, wait_for: "x", launch: k, action: x, transitions: [{to: b}]}, b: {type: final}}`,
    );
    const { states } = await compileMachine(await load(text));
    expect(states.get('a')?.parts).toEqual(['action', 'launch', 'wait_for', 'children', 'agent']);
    expect(states.get('b')?.parts).toEqual([]);
  });

  it('resolves the file of a hook class beside the machine', async () => {
    const dir = scratch();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(dir, 'hooks.mjs'), '');
    writeFileSync(
      join(dir, 'm.yml'),
      machine('hooks: {file: ./hooks.mjs, class: Mine, args: {a: 1}}\nstates: {done: {type: final}}'),
    );
    const compiled = await compileMachine(await loadMachineFile(join(dir, 'm.yml')));
    expect(compiled.hooks).toMatchObject([
      { kind: 'class', file: join(dir, 'hooks.mjs'), class: 'Mine', args: { a: 1 } },
    ]);
  });

  it('gives equal configurations equal hashes, whatever their form or order', async () => {
    const a = await compileMachine(
      await load('spec: flatmachine\nspec_version: "1.0.0"\ndata: {name: x, states: {done: {type: final}}}'),
    );
    const b = await compileMachine(
      await load(
        '{"data": {"states": {"done": {"type": "final"}}, "name": "x"}, "spec_version": "1.0.0", "spec": "flatmachine"}',
        'x.json',
      ),
    );
    const c = await compileMachine(
      await load('spec: flatmachine\nspec_version: "1.0.0"\ndata: {name: y, states: {done: {type: final}}}'),
    );
    expect(a.configHash).toMatch(/^[0-9a-f]{64}$/);
    expect(b.configHash).toBe(a.configHash);
    expect(c.configHash).not.toBe(a.configHash);
  });

  it('refuses a machine with errors, naming the first few and their places', async () => {
    const text = machine(
      `states: {${Array.from({ length: 8 }, (_, i) => `s${i}: {transitions: [{to: nowhere${i}}]}`).join(', ')}, done: {type: final}}`,
    );
    const loaded = await load(text);
    const error = await compileMachine(loaded).catch((thrown: unknown) => thrown);
    if (!isFlatMachineError(error, 'invalid-machine')) throw error;
    expect(error.message).toMatch(/8 errors/);
    expect(error.message).toMatch(/:4:\d+ {2}a transition of state "s0" leads to "nowhere0"/);
    expect(error.message).toMatch(/and 3 more/);
    expect((error.details as { diagnostics: unknown[] }).diagnostics).toHaveLength(8);
    expect(error.location?.line).toBe(4);
  });

  it('runs with warnings', async () => {
    await compileMachine(await load('spec: flatmachine\ndata: {states: {done: {type: final}}}'));
  });

  it('says where an input is that does not come to a map', async () => {
    const compiled = await compileMachine(
      await load(
        machine(
          'states: {a: {input: context.job, transitions: [{to: b}]}, b: {type: final}}\ncontext: {job: 1}',
        ),
      ),
    );
    const input = compiled.states.get('a')?.input;
    expect(input?.(scope({ job: { x: 1 } }))).toEqual({ x: 1 });
    expect(() => input?.(scope({ job: 5 }))).toThrow(/input of state "a" must come to a map, not a number/);
  });

  it('shares nothing between runs', async () => {
    const compiled = await compileMachine(
      await load(machine('context: {list: [1], map: {a: []}}\nstates: {done: {type: final}}')),
    );
    const first = compiled.context(scope({}));
    (first.list as number[]).push(2);
    ((first.map as JsonObject).a as number[]).push(3);
    expect(compiled.context(scope({}))).toEqual({ list: [1], map: { a: [] } });
    expect(compiled.config.data).toMatchObject({ context: { list: [1], map: { a: [] } } });
  });
});
