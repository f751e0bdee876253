import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import { compileCondition, compileSimple, references } from '../../../src/machine/expressions/index.ts';
import { at, failureOf, placeOf, scope, simple } from './helpers.ts';

const context = { score: 8, name: 'Ann', tags: ['a'], none: null, zero: 0, user: { age: 4 }, index: 'age' };

describe('simple expressions', () => {
  test.each([
    ['context.missing', null],
    ['context.missing.deeper[3].still', null],
    ['context.none.x', null],
    ['context.tags[5]', null],
    ['context.tags.length', null],
    ['context.name.length', null],
    ['context.user[context.index]', 4],
    ['context.user["age"]', 4],
    ['output', null],
    ['context.missing == null', true],
    ['null == none and None == null', true],
    ['context.score and context.name', true],
    ['context.zero or ""', false],
    ['context.zero or context.score', true],
    ['context.zero and context.missing > 1', false],
    ['context.score or context.missing > 1', true],
    ['5 == 5.0', true],
    ['"5" != 5', true],
    ['true == 1', false],
    ['[1, {}] == [1]', null],
    ['not context.score > 9', true],
    ['not not context.name', true],
    ['"a" in context.tags and "b" not in context.tags', true],
    ['"age" in context.user', true],
    ['0 < context.score < 10 < 11', true],
    ['-context.score + 10', 2],
    ['0 * -1', 0],
    ['[context.score, [context.name]]', [8, ['Ann']]],
  ])('%s', (expression, value) => {
    if (expression.includes('{}'))
      expect(failureOf(() => simple(expression, context)).code).toBe('expression-error');
    else expect(simple(expression, context)).toEqual(value);
  });

  test.each([
    ['context.missing > 1', '7:28 cannot order null and a number'],
    ['context.score < "9"', '7:26 cannot order a number and text'],
    ['1 < 2 < context.none', '7:18 cannot order a number and null'],
    ['context.missing + 1', '7:28 `+` does not take null and a number'],
    ['1 / context.zero', '7:14 division by zero'],
    ['1 % context.zero', '7:14 division by zero'],
    ['"a" in context.missing', '7:16 cannot look into null'],
    ['-context.name', '7:12 `-` does not take text'],
    ['true < false', '7:17 cannot order a boolean and a boolean'],
    ['9007199254740991 + 1', '7:29 the whole number is too large'],
    ['1e308 * 10', '7:18 the number is too large'],
  ])('fails when evaluated: %s', (expression, message) => {
    const compiled = compileSimple(expression, at);
    expect(placeOf(() => compiled(scope(context)))).toContain(message);
    expect(failureOf(() => compiled(scope(context))).name).toBe('ExpressionError');
  });

  test.each([
    ['', '7:12 expected a value, found the end', ''],
    ['score > 1', '7:12 there is no name `score`', 'quote text'],
    ['contxt.score', '7:12 there is no name `contxt`', 'Did you mean `context`?'],
    ['context.score = 1', '7:26 expected the end of the expression, found `=`', 'Use `==` to compare.'],
    ['context.a && context.b', '7:22 unexpected `&&`', 'Use `and`.'],
    ['context.a || context.b', '7:22 unexpected `||`', 'Use `or`.'],
    ['!context.a', '7:12 unexpected `!`', 'Use `not`.'],
    ['context.a === 1', '7:22 unexpected `===`', 'Use `==`.'],
    ['len(context.a)', '7:15 expected the end of the expression, found `(`', 'no calls'],
    ['context.a.startswith("x")', '7:32 expected the end of the expression, found `(`', 'no calls'],
    ['context.a | length', '7:22 expected the end of the expression, found `|`', 'Filters are for templates'],
    ['context.a is defined', '7:22 expected the end of the expression, found `is`', 'Use `==`'],
    ['1 if context.a else 2', '7:14 expected the end of the expression, found `if`', 'several transitions'],
    ['context.a ? 1 : 2', '7:22 unexpected `?`', 'no `? :`'],
    ['{{ context.a }}', '7:12 expected a value, found `{`', 'Leave out `{{ }}`'],
    ['context.xs[1:2]', '7:24 expected `]`, found `:`', 'no slices'],
    ['context.a // 2', '7:22 expected the end of the expression, found `//`', 'Use `/`.'],
    ['context.a ** 2', '7:22 expected the end of the expression, found `**`', 'Multiply'],
    ['context.a not 1', '7:26 expected `in`, found `1`', ''],
    ['context.', '7:20 expected a name after `.`, found the end', ''],
    ['(1', '7:12 `(` is never closed', 'Add `)`.'],
    ['(1, 2)', '7:14 expected `)`, found `,`', ''],
    ['"abc', '7:12 the text is never closed', 'Close it with'],
    ['a constructor b', '7:14 expected the end of the expression, found `constructor`', ''],
    ['context.a ==\n  and 1', '8:14 expected a value, found `and`', ''],
  ])('is refused at load: %j', (expression, message, remedy) => {
    expect(placeOf(() => compileSimple(expression, at))).toContain(message);
    expect(failureOf(() => compileSimple(expression, at)).remedy).toContain(remedy);
  });

  test('further names are known when they are announced', () => {
    const compiled = compileSimple('item.n > index', at, ['item', 'index']);
    expect(compiled({ ...scope({}), locals: { item: { n: 2 }, index: 1 } })).toBe(true);
    expect(failureOf(() => compileSimple('itme.n', at, ['item'])).remedy).toBe('Did you mean `item`?');
  });

  test('a condition has the truth of Python, and booleans are themselves', () => {
    const values = [0, '', [], {}, null, false, 1, 'a', [0], { a: 0 }, true, -1, '0'];
    const truths = values.map((v) => compileCondition('simple', 'context.v', at)(scope({ v })));
    expect(truths).toEqual([...Array(6).fill(false), ...Array(7).fill(true)]);
    expect(compileCondition('simple', true, at)(scope({}))).toBe(true);
    expect(compileCondition('cel', false, at)(scope({}))).toBe(false);
  });

  test('whatever the text, it compiles or is refused with a place; nothing else is thrown', () => {
    const piece = fc.constantFrom(
      ...[
        'context',
        '.a',
        '[',
        ']',
        '(',
        ')',
        '1',
        '"x"',
        "'",
        ' and ',
        ' or ',
        'not ',
        ' in ',
        '==',
        '<',
        '+',
        '-',
        '*',
      ],
      ...['%', '/', ',', '{{', '}}', '|', 'null', '\n', '\\', '😀', '.', '1.5', '__proto__', 'constructor'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        for (const run of [() => simple(text, context), () => references(text, 'simple')]) {
          try {
            run();
          } catch (error) {
            if (!(error instanceof FlatMachineError)) throw error;
            expect(error.location?.line).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});
