import { describe, expect, it } from 'vitest';
import { FlatMachine } from '../../src/flatmachine.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machineOf } from '../helpers/machine.ts';
import { decided, END, outputOf, refusal, rendered, run } from './helpers.ts';

const giving = (output: JsonObject) => ({ onAction: () => ({ output }) });

/** A state that does an action, maps its output, and ends. */
const mapping = (output_to_context: JsonObject, context: JsonObject = {}) => ({
  context,
  states: { a: { type: 'initial', action: 'x', output_to_context, transitions: [{ to: 'end' }] }, end: END },
});

describe('context and templates', () => {
  it('case 9: a lone template is native, a mixed one text', async () => {
    const machine = await load({
      context: { n: '{{ input.n }}', s: 'x{{ input.n }}' },
      states: { end: END },
    });
    expect((await machine.execute({ n: 3 })).output).toEqual({ n: 3, s: 'x3' });
  });

  it('case 10: a missing input key is empty text, or what default says', async () => {
    expect(await rendered('[{{ input.gone }}]')).toBe('[]');
    expect(await rendered('{{ input.gone | default(7) }}')).toBe(7);
  });

  it('case 11: a bare path stores the value itself, null when missing', async () => {
    const list = [1, { two: [3] }];
    expect(
      await outputOf(mapping({ l: 'output.list', m: 'output.gone.deeper' }), {}, giving({ list })),
    ).toEqual({
      l: list,
      m: null,
    });
  });

  it('case 12: lists and maps come whole; filters and blocks work', async () => {
    const input = { l: ['b', 'a'], m: { k: 1 }, t: '{"j": [1]}' };
    expect(
      await rendered(
        {
          l: '{{ input.l }}',
          m: '{{ input.m }}',
          length: '{{ input.l | length }}',
          upper: "{{ 'ab' | upper }}",
          join: "{{ input.l | join('-') }}",
          tojson: '{{ input.m | tojson }}',
          fromjson: '{{ (input.t | fromjson).j }}',
          blocks: '{% for x in input.l %}{% if x == "a" %}<{{ x }}>{% else %}{{ x }}{% endif %}{% endfor %}',
        },
        input,
      ),
    ).toEqual({
      l: ['b', 'a'],
      m: { k: 1 },
      length: 2,
      upper: 'AB',
      join: 'b-a',
      tojson: '{"k": 1}',
      fromjson: [1],
      blocks: 'b<a>',
    });
  });

  it('case 13 (decided): text stays text, whatever it looks like; 1.1 to 4.x make text of everything', async () => {
    for (const text of ['007', '42', '1e5', 'true', 'null', '"quoted"', '{"a": 1}']) {
      expect(await rendered('{{ input.t }}', { t: text })).toBe(text);
    }
    const states = { end: { type: 'final', output: { n: '{{ input.n }}', bare: 'input.n' } } };
    for (const [spec_version, n] of [
      ['1.0.0', 42],
      ['1.1.0', '42'],
      ['4.2.1', '42'],
    ] as const) {
      const machine = await FlatMachine.load(
        { ...machineOf({ states }), spec_version },
        { backend: 'memory' },
      );
      expect((await machine.execute({ n: 42 })).output).toEqual({ n, bare: 42 });
    }
  });

  it('case 14: false and null stay what they are', async () => {
    expect(await rendered({ f: '{{ input.f }}', n: '{{ input.n }}' }, { f: false, n: null })).toEqual({
      f: false,
      n: null,
    });
    expect(await decided('context.f', { f: '{{ input.f }}' }, 'simple', { f: false })).toBe(false);
  });

  it('case 15: `items` and its like are the user’s keys', async () => {
    const context = { items: [1, 2], keys: 'k', get: { update: 3 } };
    expect(
      await rendered(
        {
          a: '{{ context.items }}',
          b: '{{ context.keys }}',
          c: '{{ context.get.update }}',
          d: 'context.items',
        },
        {},
        context,
      ),
    ).toEqual({ a: [1, 2], b: 'k', c: 3, d: [1, 2] });
  });

  it('case 16: a text that looks like a path is written in a template', async () => {
    expect(await rendered("{{ 'output.txt' }}")).toBe('output.txt');
    expect(await rendered("{{ 'context.json' }}")).toBe('context.json');
  });

  it('case 17: maps and lists in an input are rendered at any depth', async () => {
    const seen: unknown[] = [];
    await run(
      {
        states: {
          a: {
            type: 'initial',
            action: 'x',
            input: { deep: { er: ['{{ input.n + 1 }}', { est: 'input.n' }] } },
            transitions: [{ to: 'end' }],
          },
          end: END,
        },
      },
      { n: 1 },
      {
        onAction: (_action, _context, call) => {
          seen.push(call.input);
        },
      },
    );
    expect(seen).toEqual([{ deep: { er: [2, { est: 1 }] } }]);
  });

  it('case 18: later entries of output_to_context see earlier ones; nested maps are rendered', async () => {
    const data = mapping({ a: 'output.n', b: '{{ context.a + 1 }}', c: { d: { e: '{{ context.b + 1 }}' } } });
    expect(await outputOf(data, {}, giving({ n: 1 }))).toEqual({ a: 1, b: 2, c: { d: { e: 3 } } });
  });

  it('case 19: runs of one machine do not see each other through its literals', async () => {
    const machine = await load(mapping({}, { list: [1], map: { n: 1 } }), {
      onAction: (_action, context) => {
        (context.list as number[]).push(2);
        (context.map as JsonObject).n = 2;
        return context;
      },
    });
    for (let i = 0; i < 3; i++) {
      expect((await machine.execute()).output).toEqual({ list: [1, 2], map: { n: 2 } });
    }
  });

  it('case 20 (decided): what belongs to the host does not exist for templates', async () => {
    for (const path of ['constructor', '__proto__', 'prototype', '__class__', 'toString']) {
      expect(await rendered(`context.${path}`)).toBeNull();
      expect(await rendered(`[{{ context.${path} }}]`)).toBe('[]');
      expect(await decided(`context.${path}`)).toBe(false);
    }
    const calling = { x: '{{ context.constructor.constructor("return 1")() }}' };
    const states = { end: { type: 'final', output: calling } };
    expect(await refusal(machineOf({ states }))).toEqual(['bad-template']);
  });
});
