import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import type { WorkCall } from '../../src/execution/interfaces.ts';
import type { Sandbox } from '../../src/execution/tools/interfaces.ts';
import { compositeHooks } from '../../src/hooks/composite.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';

const oneState = {
  states: {
    a: { type: 'initial', action: 'x', transitions: [{ to: 'z' }] },
    z: { type: 'final', output: 'context' },
  },
};

describe('composite hooks', () => {
  it('threads contexts, gives each member its own copy, and drops what is changed in place without being returned', async () => {
    const hooks = compositeHooks([
      { onStateEnter: (_state, context) => ({ ...context, first: true }) },
      {
        onStateEnter: (_state, context) => {
          context.second = 'in place';
        },
      },
      { onStateEnter: (_state, context) => ({ ...context, third: Object.keys(context) }) },
    ]);
    expect(await hooks.onStateEnter?.('s', { base: 1 })).toEqual({
      base: 1,
      first: true,
      third: ['base', 'first'],
    });
  });

  it('gives an action to the first member that handles it', async () => {
    const machine = await load(oneState, () =>
      compositeHooks([
        { actions: ['y'], onAction: () => ({ output: 'wrong' }) },
        { actions: ['x'], onAction: (_action, context) => ({ ...context, by: 'second' }) },
      ]),
    );
    expect((await machine.execute()).output).toEqual({ by: 'second' });
  });

  it('asks for recovery in order, cleans up all, and reports every failure', async () => {
    const closed: number[] = [];
    const failing = (n: number) => ({
      close: () => {
        closed.push(n);
        throw new Error(`close ${n}`);
      },
    });
    const hooks = compositeHooks([
      failing(1),
      {
        onError: () => null,
        close: () => {
          closed.push(2);
        },
      },
      { ...failing(3), onError: () => 'there' },
    ]);
    expect(await hooks.onError?.('s', new Error('x'), {})).toBe('there');
    await expect(hooks.close?.()).rejects.toThrow('close 1; Error: close 3');
    expect(closed).toEqual([1, 2, 3]);
  });
});

describe('composite hooks and tools', () => {
  const call = { id: 'c1', name: 'bash', arguments: { cmd: 'ls' } };
  const tool = (name: string, description = '') => ({
    name,
    description,
    parameters: {},
    run: () => ({ content: '' }),
  });

  it('put what they say to a tool loop together: the first reason counts', async () => {
    const hooks = compositeHooks([
      { onToolCalls: () => ({ skip: { c1: 'first' }, messages: ['one'] }) },
      {
        onToolCalls: (_state, calls) => {
          (calls[0] as typeof call).arguments.cmd = 'changed';
        },
      },
      {
        onToolCalls: (_state, [asked]) => ({
          skip: { c1: 'second', c2: String(asked?.arguments.cmd) },
          messages: ['two'],
          abort: 'stop',
        }),
      },
      { onToolCalls: () => ({ abort: 'too late' }) },
    ]);
    expect(await hooks.onToolCalls?.('s', [call], {})).toEqual({
      skip: { c1: 'first', c2: 'ls' },
      messages: ['one', 'two'],
      abort: 'stop',
    });
  });

  it('hand a result through', async () => {
    const hooks = compositeHooks([
      { onToolResult: (_state, _call, result) => ({ ...result, content: `${result.content}1` }) },
      {
        onToolResult: (_state, _call, result) => {
          result.content = 'in place';
        },
      },
      { onToolResult: (_state, _call, result) => ({ ...result, content: `${result.content}2` }) },
    ]);
    expect(await hooks.onToolResult?.('s', call, { content: '0', is_error: true }, {})).toEqual({
      content: '012',
      is_error: true,
    });
  });

  it('offer all tools, of which no two may have one name, and the first sandbox', async () => {
    const sandbox = { run: async () => ({}) } as unknown as Sandbox;
    const one = { tools: () => [tool('a')] };
    const two = { tools: async () => [tool('b')], sandbox: () => sandbox };
    const hooks = compositeHooks([one, two, {}]);
    expect((await hooks.tools?.('s', {}))?.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await hooks.sandbox?.({}, {} as WorkCall)).toBe(sandbox);
    await expect(compositeHooks([one, two, one]).tools?.('s', {})).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining('"a"'),
    });
  });

  it('have only the methods that a member has', () => {
    expect(Object.keys(compositeHooks([{ onStateEnter: () => {} }, { tools: () => [] }])).sort()).toEqual([
      'close',
      'onExecutionEnd',
      'onStateEnter',
      'tools',
    ]);
  });
});

describe('class hooks', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fm-hooks-'));
  const machineWith = (hooks: JsonObject, cwd = dir) => load({ ...oneState, hooks }, {}, { cwd });

  it.each([
    [
      'named.mjs',
      'export class Mine { constructor(args) { this.by = args.by; } onAction(action, context) { return { ...context, by: this.by }; } }',
    ],
    [
      'default.mjs',
      'export default class Mine { constructor(args) { this.by = args.by; } onAction(action, context) { return { ...context, by: this.by }; } }',
    ],
    [
      'common.cjs',
      'exports.Mine = class Mine { constructor(args) { this.by = args.by; } onAction(action, context) { return { ...context, by: this.by }; } }',
    ],
  ])('loads %s with its arguments', async (file, text) => {
    writeFileSync(join(dir, file), text);
    const machine = await machineWith({ file, class: 'Mine', args: { by: file } });
    expect((await machine.execute()).output).toEqual({ by: file });
  });

  it.each([
    ['required', { main: './index.cjs' }],
    ['esm-only', { type: 'module', exports: { types: './index.d.ts', import: './index.mjs' } }],
    ['@scope/esm-only', { exports: { '.': { node: { import: './index.mjs' } } } }],
    ['esm-only/hooks', { exports: { './hooks': { import: './index.mjs' } } }],
  ])('loads the module %s from where the machine is', async (module, manifest) => {
    const home = mkdtempSync(join(tmpdir(), 'fm-module-'));
    const place = join(home, 'node_modules', module.replace('only/hooks', 'only'));
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: module, ...manifest }));
    writeFileSync(
      join(place, 'index.cjs'),
      'exports.Mine = class { onAction() { return { output: "cjs" }; } };',
    );
    writeFileSync(join(place, 'index.mjs'), 'export class Mine { onAction() { return { output: "esm" }; } }');
    const { states } = oneState;
    const machine = await load(
      {
        states: { ...states, a: { ...states.a, output_to_context: { form: 'output' } } },
        hooks: { module, class: 'Mine' },
      },
      {},
      { cwd: home },
    );
    expect((await machine.execute()).output).toEqual({ form: module === 'required' ? 'cjs' : 'esm' });
    rmSync(home, { recursive: true });
  });

  it('reports a module that is not there, with the place', async () => {
    const machine = await machineWith({ module: 'no-such-module', class: 'Mine' });
    await expect(machine.execute()).rejects.toMatchObject({
      code: 'hook-load',
      message: expect.stringContaining('no-such-module'),
      location: expect.anything(),
    });
  });

  it('reports a class that is not there, and one that throws, with the place', async () => {
    writeFileSync(
      join(dir, 'throws.mjs'),
      'export class Mine { constructor() { throw new Error("no thanks"); } }',
    );
    const throws = await machineWith({ file: 'throws.mjs', class: 'Mine' });
    await expect(throws.execute()).rejects.toMatchObject({
      code: 'hook-load',
      message: expect.stringContaining('no thanks'),
    });
    const absent = await machineWith({ file: 'throws.mjs', class: 'Other' });
    await expect(absent.execute()).rejects.toMatchObject({
      code: 'hook-load',
      message: expect.stringContaining('Other'),
    });
  });
});

describe('logging', () => {
  it('writes log events into the stream and the history', async () => {
    const events: ExecutionEvent[] = [];
    const machine = await load({
      states: { z: { type: 'final', output: { x: 1 } } },
      hooks: ['logging', { name: 'logging', args: { level: 'debug' } }],
    });
    await machine.execute({}, { id: 'l', onEvent: (event) => events.push(event) });
    const logs = events.flatMap((event) => (event.type === 'log' ? [`${event.level} ${event.message}`] : []));
    expect(logs).toContain('info entering z');
    expect(logs).toContain('debug machine ended with {"x":1}');
    const [, last] = await machine.backends.persistence.history('l');
    expect(last?.events.length).toBeGreaterThan(2);
  });
});
