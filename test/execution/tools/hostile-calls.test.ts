import { beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox, Tool } from '../../../src/execution/tools/interfaces.ts';
import { toJson } from '../../../src/json.ts';
import { type LoopBench, loopBench } from './loop-bench.ts';

describe('tool calls of a model that means harm, or does not know better', () => {
  let bench: LoopBench;
  beforeEach(() => {
    bench = loopBench();
  });
  const asked = () => bench.requests.at(-1)!.messages.find(({ role }) => role === 'assistant')!.tool_calls!;
  const told = () =>
    bench.requests.at(-1)!.messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []));
  const given: unknown[] = [];
  const tool: Tool = {
    name: 'use',
    description: '',
    parameters: {},
    run: (args) => {
      given.push(args);
      return { content: 'used' };
    },
  };

  it('cannot be stored: the model is told, and the loop goes on', async () => {
    given.length = 0;
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    const outcome = await bench.run(
      [
        {
          calls: [
            ['use', deep],
            ['use', '{"n": 1e999}'],
            ['use', '{"__proto__": {"x": 1}}'],
          ],
        },
        'end',
      ],
      { hooks: { tools: () => [tool] } },
    );
    expect(outcome.output).toMatchObject({ stop: 'answer' });
    expect(told()).toEqual([
      'the arguments are not a JSON object',
      'the arguments are not a JSON object',
      'used',
    ]);
    expect(given).toEqual([JSON.parse('{"__proto__": {"x": 1}}')]);
    expect(({} as { x?: number }).x).toBeUndefined();
    for (const event of bench.events) toJson(event);
  });

  it('have names and ids that no provider takes back: the conversation has others', async () => {
    const names = ['', 'functions.use', 'use \u001b[2J', 'n'.repeat(1e6)];
    const ids = ['', 'same', 'same', 'has space', '\u001b]0;x\u0007', 'i'.repeat(1e6)];
    await bench.run(
      [
        {
          calls: [...names.map((name) => [name, {}] as const), ...ids.map((id) => ['use', {}, id] as const)],
        },
        'end',
      ],
      { hooks: { tools: () => [tool] } },
    );
    const calls = asked();
    expect(calls.map(({ function: { name } }) => name).slice(0, 3)).toEqual([
      '_',
      'functions_use',
      'use__2J'.replace('__', '___'),
    ]);
    for (const {
      id,
      function: { name },
    } of calls) {
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
    }
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    // The answers belong to the calls, in order.
    const answered = bench.requests
      .at(-1)!
      .messages.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id]));
    expect(answered).toEqual(calls.map(({ id }) => id));
    expect(Math.max(...told().map((text) => text.length))).toBeLessThanOrEqual(30_000);
  });

  it('edit a file into one that no memory holds: refused, and quickly', async () => {
    const files = new Map([['f', Buffer.alloc(8 * 1024 * 1024, 'a')]]);
    const sandbox = {
      workspace: '/w',
      readFile: async (path: string) => files.get(path)!,
      writeFile: async (path: string, content: Uint8Array) => void files.set(path, Buffer.from(content)),
    } as unknown as Sandbox;
    const edit = (old_string: string, new_string: string) =>
      ['edit_file', { path: 'f', old_string, new_string, replace_all: true }] as const;
    const started = performance.now();
    await bench.run([{ calls: [edit('a', 'b'.repeat(1e6)), edit('aa', 'b')] }, 'end'], {
      hooks: { sandbox: () => sandbox },
    });
    expect(told()).toEqual([
      expect.stringContaining('TooLargeError: f would have 8388608000000 bytes'),
      'edited f in 4194304 places',
    ]);
    expect(files.get('f')?.equals(Buffer.alloc(4 * 1024 * 1024, 'b'))).toBe(true);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
