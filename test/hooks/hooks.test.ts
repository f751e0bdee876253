import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
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

describe('webhook', () => {
  let close: () => void = () => {};
  afterEach(() => close());

  async function receiver(answer: (n: number) => number): Promise<{ url: string; bodies: JsonObject[] }> {
    const bodies: JsonObject[] = [];
    let n = 0;
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        const status = answer(n++);
        if (status === 200) bodies.push(JSON.parse(text));
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    close = () => server.close();
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, bodies };
  }

  const withUrl = (url: string) =>
    load({
      states: { a: { type: 'initial', transitions: [{ to: 'z' }] }, z: { type: 'final', output: { n: 1 } } },
      hooks: { name: 'webhook', args: { url } },
    });

  it('delivers every event in order, trying again when the receiver fails', async () => {
    const { url, bodies } = await receiver((n) => (n === 1 ? 500 : 200));
    await (await withUrl(url)).execute({}, { id: 'w' });
    expect(bodies.map((body) => body.event)).toEqual([
      'machine_start',
      'state_enter',
      'state_exit',
      'transition',
      'state_enter',
      'state_exit',
      'machine_end',
    ]);
    expect(bodies[0]).toMatchObject({ execution_id: 'w' });
  });

  it('does not fail the run when nobody listens, and says what was lost', async () => {
    const events: ExecutionEvent[] = [];
    const result = await (await withUrl('http://127.0.0.1:1/')).execute(
      {},
      { onEvent: (event) => events.push(event) },
    );
    expect(result.status).toBe('completed');
    expect(events.some((event) => event.type === 'log' && event.message.includes('not delivered'))).toBe(
      true,
    );
  });
});
