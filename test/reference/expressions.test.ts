import { describe, expect, it } from 'vitest';
import { machineOf } from '../helpers/machine.ts';
import { decided, outputOf, refusal, run } from './helpers.ts';

describe('transitions and expressions', () => {
  it('case 21: the first match wins; one without a condition is the default', async () => {
    const end = (name: string) => ({ type: 'final', output: { name } });
    const data = {
      states: {
        a: {
          type: 'initial',
          transitions: [
            { condition: 'input.n > 10', to: 'big' },
            { condition: 'input.n > 5', to: 'middle' },
            { to: 'small' },
          ],
        },
        big: end('big'),
        middle: end('middle'),
        small: end('small'),
      },
    };
    for (const [n, name] of [
      [20, 'big'],
      [7, 'middle'],
      [1, 'small'],
    ] as const) {
      expect(await outputOf(data, { n })).toEqual({ name });
    }
  });

  it('case 22: logic, chains, literals and arithmetic', async () => {
    const context = { x: 5, s: 'a"b', t: true };
    for (const condition of [
      'not (context.x == 1 or context.x == 2) and context.t',
      '0 < context.x < 10 <= 10',
      "context.s == 'a\"b' and \"a\" != 'b'",
      'true and True and not false and not False and null == None',
      '1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and 7 / 2 == 3.5 and context.x - 1 == 4',
    ]) {
      expect([condition, await decided(condition, context)]).toEqual([condition, true]);
    }
    expect(await decided('0 < context.x < 3', context)).toBe(false);
  });

  it('case 23: what is missing is null and false, as is what is empty', async () => {
    expect(await decided('context.gone == null and context.gone.deeper == null and not context.gone')).toBe(
      true,
    );
    const context = { s: '', l: [], m: {}, z: 0, full: [0] };
    expect(
      await decided('not context.s and not context.l and not context.m and not context.z', context),
    ).toBe(true);
    expect(await decided('context.full', context)).toBe(true);
  });

  it('case 24: equality of numbers, texts and lists', async () => {
    const context = { a: [1, { b: [2] }], c: [1.0, { b: [2] }] };
    expect(await decided('5 == 5.0 and context.a == context.c', context)).toBe(true);
    expect(await decided('"5" == 5')).toBe(false);
  });

  it('case 25 (decided): negative numbers, `%` and `in` are part of the language', async () => {
    const context = { n: -3, l: [1, 2] };
    expect(
      await decided(
        'context.n == -3 and -context.n == 3 and 7 % 4 == 3 and 2 in context.l and 3 not in context.l',
        context,
      ),
    ).toBe(true);
    expect(
      await refusal(
        machineOf({
          states: {
            a: { type: 'initial', transitions: [{ condition: 'context.n ** 2', to: 'b' }] },
            b: { type: 'final' },
          },
        }),
      ),
    ).toContain('bad-expression');
  });

  it('case 26: ordering null or mixed types is an error that on_error routes', async () => {
    expect(await decided('context.gone < 1')).toBe('ExpressionError');
    expect(await decided('"a" < 1')).toBe('ExpressionError');
    const states = {
      a: {
        type: 'initial',
        on_error: { ExpressionError: 'saved' },
        transitions: [{ condition: 'context.gone < 1', to: 'b' }],
      },
      b: { type: 'final' },
      saved: { type: 'final', output: { type: 'context.last_error_type' } },
    };
    expect(await outputOf({ states })).toEqual({ type: 'ExpressionError' });
  });

  it('case 27: false is never taken, true always', async () => {
    expect(await decided(false)).toBe(false);
    expect(await decided(true)).toBe(true);
  });

  it('case 28: conditions read input and output', async () => {
    const states = {
      a: {
        type: 'initial',
        action: 'x',
        transitions: [{ condition: 'output.n > input.least', to: 'yes' }, { to: 'no' }],
      },
      yes: { type: 'final', output: { taken: true } },
      no: { type: 'final', output: { taken: false } },
    };
    const hooks = { onAction: () => ({ output: { n: 5 } }) };
    expect(await outputOf({ states }, { least: 4 }, hooks)).toEqual({ taken: true });
    expect(await outputOf({ states }, { least: 6 }, hooks)).toEqual({ taken: false });
  });

  it('case 29: no match is an error that names the state', async () => {
    const states = {
      lonely: { type: 'initial', transitions: [{ condition: 'input.go', to: 'b' }] },
      b: { type: 'final' },
    };
    expect(await run({ states })).toMatchObject({
      status: 'failed',
      error: { error_type: 'NoTransitionError', message: expect.stringContaining('lonely') },
    });
  });

  it('case 30: CEL', async () => {
    const context = { l: [1, 2, 3], s: 'hello', score: 7, when: '2020-01-01T00:00:00Z' };
    for (const condition of [
      'context.l.all(x, x > 0) && context.l.exists(x, x == 2)',
      'context.l.filter(x, x > 1).map(x, x * 2) == [4, 6]',
      "context.s.startsWith('he') && context.s.contains('ell') && context.s.endsWith('lo')",
      'has(context.s) && !has(context.gone) && size(context.l) == 3',
      "timestamp(context.when) + duration('24h') < now",
      'context.score + 1 == 8 && context.score >= 6.5',
      'context.score > 1 and not (context.score > 10 or false)',
    ]) {
      expect([condition, await decided(condition, context, 'cel')]).toEqual([condition, true]);
    }
    const bad = {
      expression_engine: 'cel',
      states: {
        a: { type: 'initial', transitions: [{ condition: 'context.l.all(x', to: 'b' }] },
        b: { type: 'final' },
      },
    };
    expect(await refusal(machineOf(bad))).toContain('bad-expression');
  });
});
