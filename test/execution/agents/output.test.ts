import { describe, expect, it } from 'vitest';
import { findJson } from '../../../src/execution/agents/flatagent/find-json.ts';
import { type OutputFields, toSchema } from '../../../src/execution/agents/flatagent/output-schema.ts';
import { withOutput } from '../../../src/execution/agents/flatagent/parse-output.ts';
import type { JsonValue } from '../../../src/types.ts';

describe('the JSON in an answer', () => {
  it.each([
    ['as it stands', '{"a": 1}'],
    ['after thoughts', '<think>Maybe {"a": 2}?</think>\n{"a": 1}'],
    ['in a code block', 'Here you are:\n```json\n{"a": 1}\n```\nAnything else?'],
    ['in an open code block', '```\n{"a": 1}'],
    ['in text', 'The answer is {"a": 1}, I think.'],
    ['the last of several', 'First I thought {"a": 2}, but it is {"a": 1}.'],
    ['after text with braces', 'Use {braces} as in {"a": 1}'],
    ['with a trailing comma', '{"a": 1,}'],
    ['with single quotes', "{'a': 1}"],
    ['with bare keys and comments', '{a: 1 /* one */}'],
    ['mended in a code block', "```json\n{'a': 1,}\n```"],
    ['that is not closed', 'So: {"a": 1'],
  ])('%s', (_what, text) => {
    expect(findJson(text)).toEqual({ a: 1 });
  });

  it('reads the words of Python', () => {
    expect(findJson("{'t': True, 'f': False, 'n': None}")).toEqual({ t: true, f: false, n: null });
  });

  it('does not look into strings for braces', () => {
    expect(findJson('x {"a": "}{", "b": "\\"}"} y')).toEqual({ a: '}{', b: '"}' });
  });

  it.each(['', 'no', '[1, 2]', '"text"', '7', '}'])('finds nothing in %j', (text) => {
    expect(findJson(text)).toBeNull();
  });

  it('does not mend what was cut off', () => {
    expect(findJson('{"a": [1, 2', false)).toBeNull();
  });

  it('takes linear time over hostile text', () => {
    const started = performance.now();
    for (const text of [
      '{'.repeat(200_000),
      '{"'.repeat(100_000),
      '```\n'.repeat(50_000),
      '<think>'.repeat(50_000),
    ]) {
      findJson(text, false);
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('output fields', () => {
  const read = (fields: OutputFields, answer: JsonValue): JsonValue =>
    withOutput({ content: JSON.stringify(answer) }, fields).output as JsonValue;

  it.each([
    ['str', 'x', 'x'],
    ['str', 7, '7'],
    ['str', { a: 1 }, '{"a":1}'],
    ['int', 7, 7],
    ['int', '7', 7],
    ['int', 7.0, 7],
    ['float', '1e-3', 0.001],
    ['bool', true, true],
    ['bool', 'False', false],
    ['bool', 'yes', true],
    ['json', '[1]', [1]],
    ['json', 'text', 'text'],
    ['json', null, null],
    ['list', '[1, 2]', [1, 2]],
    ['object', '{"a": 1}', { a: 1 }],
  ] as const)('%s from %j', (type, given, expected) => {
    expect(read({ x: { type } }, { x: given as JsonValue })).toEqual({ x: expected });
  });

  it.each([
    ['int', 7.5],
    ['int', 'seven'],
    ['int', ''],
    ['int', true],
    ['float', '0x10'],
    ['bool', 'maybe'],
    ['bool', 1],
    ['list', { a: 1 }],
    ['list', 'a, b'],
    ['object', [1]],
    ['str', null],
  ] as const)('%s is not made of %j', (type, given) => {
    expect(() => read({ x: { type } }, { x: given as JsonValue })).toThrow(/not what `output` asks for: x /);
  });

  it('leaves out what was not asked for, and what need not be there', () => {
    const fields: OutputFields = {
      a: { type: 'int' },
      b: { type: 'str', required: false },
      c: { type: 'str', required: false },
    };
    expect(read(fields, { a: 1, c: null, other: 2 })).toEqual({ a: 1, c: null });
  });

  it('goes into lists and maps, and names the place of what is wrong', () => {
    const fields: OutputFields = {
      items: { type: 'list', items: { type: 'object', properties: { n: { type: 'int' } } } },
    };
    expect(read(fields, { items: [{ n: '1', x: 2 }, { n: 2 }] })).toEqual({ items: [{ n: 1 }, { n: 2 }] });
    expect(() => read(fields, { items: [{ n: 1 }, {}] })).toThrow('items[1].n is missing');
  });

  it('knows the members of an enumeration in small and capital letters', () => {
    const fields: OutputFields = { x: { type: 'str', enum: ['High', 'Low'] } };
    expect(read(fields, { x: ' high' })).toEqual({ x: 'High' });
    expect(() => read(fields, { x: 'middle' })).toThrow('must be one of High, Low, not "middle"');
  });

  it('says what an answer was that cannot be used', () => {
    expect(() => withOutput({ content: 'I cannot do that.' }, { x: { type: 'int' } })).toThrow(
      expect.objectContaining({
        code: 'invalid-output',
        details: expect.objectContaining({ answer: 'I cannot do that.', retryable: true }),
      }),
    );
    expect(() => withOutput({ content: '{"x": 1', finish_reason: 'length' }, { x: { type: 'int' } })).toThrow(
      expect.objectContaining({ code: 'invalid-output', remedy: expect.stringContaining('max_tokens') }),
    );
  });

  it('takes keys that name parts of objects as any others', () => {
    const fields = JSON.parse(
      '{"__proto__": {"type": "int"}, "constructor": {"type": "int", "required": false}}',
    ) as OutputFields;
    const output = withOutput({ content: '{"__proto__": 1}' }, fields).output as object;
    expect(Object.keys(output)).toEqual(['__proto__']);
  });

  it('become a JSON Schema', () => {
    const fields: OutputFields = {
      a: { type: 'str', description: 'The a.', enum: ['x'] },
      b: { type: 'list', items: { type: 'float' }, required: false },
    };
    expect(toSchema(fields)).toEqual({
      type: 'object',
      properties: {
        a: { type: 'string', description: 'The a.', enum: ['x'] },
        b: { type: 'array', items: { type: 'number' } },
      },
      required: ['a'],
      additionalProperties: false,
    });
  });
});
