import { beforeAll, describe, expect, test } from 'vitest';
import { toStandardCel } from '../../../src/machine/expressions/cel-words.ts';
import { compileCel, compileCondition, prepareCel } from '../../../src/machine/expressions/index.ts';
import { at, cel, failureOf, placeOf, scope } from './helpers.ts';

const context = {
  score: 8,
  half: 7.5,
  name: 'Ann',
  xs: [1, 2, 3],
  user: { age: 40, tags: ['a'] },
  nothing: null,
  and: true,
  big: 2 ** 60,
  people: [
    { n: 'a', age: 1 },
    { n: 'b', age: 2 },
  ],
};
const now = Date.UTC(2026, 0, 2, 3, 4, 5);

test('before the library is loaded, compiling says so', () => {
  expect(failureOf(() => compileCel('1', at)).message).toContain('prepareCel');
});

describe('CEL', () => {
  beforeAll(prepareCel);

  test.each([
    ['context.score + 1', 9],
    ['context.score + 1.5', 9.5],
    ['1.5 + context.score', 9.5],
    ['context.score - 0.5', 7.5],
    ['context.score * 0.5', 4],
    ['context.score / 16.0', 0.5],
    ['context.half * 2', 15],
    ['context.score / 3', 2],
    ['context.score % 3', 2],
    ['context.score >= 7.5', true],
    ['context.score == 8.0', true],
    ['context.half > 7', true],
    ['context.half < context.score', true],
    ['context.score in [8.0]', true],
    ['context.big > 1', true],
    ['-context.score', -8],
    ['context.xs[0] + context.xs[2]', 4],
    ['context.xs + [4]', [1, 2, 3, 4]],
    ['context.xs == [1, 2, 3]', true],
    ['context.xs', [1, 2, 3]],
    ['context.user', { age: 40, tags: ['a'] }],
    ['[context.user, context.xs]', [{ age: 40, tags: ['a'] }, [1, 2, 3]]],
    ['context.user == {"tags": ["a"], "age": 40}', true],
    ['size(context.xs) + context.name.size() + size(context.user)', 8],
    ['has(context.user.age) && !has(context.user.x)', true],
    ['has(context.nothing)', true],
    ['context.nothing == null', true],
    ['context.xs.map(x, x * 2)', [2, 4, 6]],
    ['context.xs.filter(x, x > 1)', [2, 3]],
    ['context.people.exists(p, p.n == "b" && p.age == 2)', true],
    ['context.people.map(p, p.age)', [1, 2]],
    ['context.xs.all(x, x in [1, 2, 3])', true],
    ['context.user.map(k, k)', ['age', 'tags']],
    ['context.name.startsWith("A") && context.name.contains("n") && context.name.endsWith("nn")', true],
    ['context.name.matches("^A[a-z]+$")', true],
    ['matches(context.name, "b")', false],
    ['context["user"]["age"]', 40],
    ['context.?missing.orValue(3)', 3],
    ['context.?missing', null],
    ['context.machine.step', 4],
    ['has(context.machine)', true],
    ['input.n', 5],
    ['output', null],
    ['now > timestamp("2026-01-01T00:00:00Z")', true],
    ['now', '2026-01-02T03:04:05Z'],
    ['now + duration("1500ms")', '2026-01-02T03:04:06.500Z'],
    ['duration("1h30m")', '5400s'],
    ['duration("-1.5s")', '-1.5s'],
    ['now - timestamp("2026-01-02T00:04:05Z") == duration("3h")', true],
    ['now.getFullYear()', 2026],
    ['string(now)', '2026-01-02T03:04:05Z'],
    ['int(now) > 0', true],
    ['b"abc"', 'YWJj'],
    ['7u', 7],
    ['{"a": [1, 2.5, null]}', { a: [1, 2.5, null] }],
    ['{1: "x"}', { '1': 'x' }],
    ['context.score > 5 ? "high" : "low"', 'high'],
  ])('%s', (expression, value) => {
    const machine = { step: 4 } as never;
    expect(cel(expression, context, { input: { n: 5 }, now, machine })).toEqual(value);
  });

  test.each([
    ['context.score > 1 and context.name == "Ann"', true],
    ['context.score > 9 or context.name == "Ann"', true],
    ['not context.score > 9', true],
    ['not context.score == 8 or true', true],
    ['not (context.score > 9) and not false', true],
    ['not not true', true],
    ['9 not in context.xs', true],
    ['context.score + 1 not in [9] or false', false],
    ['not 9 not in context.xs', false],
    ['true and context.xs[0] not in [2] and not false', true],
    ['[1, 2].exists(x, x not in [1])', true],
    ['context.and', true],
    ['{"and": 1, "not": 2}["not"] == 2', true],
    ['"and or not in" == "and or not in" // and so on', true],
    ["r'\\and' + '' == '\\\\and'", true],
    ['"""a "quoted" and""" != "not"', true],
    ['True == true and None == null and none == null and not False', true],
    ['context.nothing == None ? not false : not true', true],
  ])('the words of the simple language: %s', (expression, value) => {
    expect(cel(expression, context)).toBe(value);
  });

  test.each([
    ['context.score >', '7:27 Unexpected token: EOF'],
    ['contxt.score', '7:12 Unknown variable: contxt'],
    ['context.score > 1 and contxt', '7:34 Unknown variable: contxt'],
    ['not context.a and not contxt', '7:34 Unknown variable: contxt'],
    ['1 not in [2] and contxt', '7:29 Unknown variable: contxt'],
    ['true &&\n  contxt', '8:14 Unknown variable: contxt'],
    ['foo(1)', "7:12 found no matching overload for 'foo(int)'"],
    ['"a" + 1', '7:12 no such overload: string + int'],
    ['context + 1', '7:12 no such overload: map<dyn, dyn> + int'],
    ['context.name.matches("(")', '7:33 bad regular expression'],
    ['"a".matches(1)', "matches(int)'"],
    ['x.map(y, y)', '7:12 Unknown variable: x'],
    ['"abc', '7:12 '],
    ['', '7:12 '],
    ['{{ context.a }}', '7:25 Expected COLON'],
  ])('refused at load: %j', (expression, message) => {
    expect(placeOf(() => compileCel(expression, at))).toContain(message);
    expect(placeOf(() => compileCel(expression, at))).not.toContain('matchesLinear');
  });

  test.each([
    ['context.missing', 'No such key: missing'],
    ['context.missing > 1', 'No such key: missing'],
    ['context.xs[9]', 'index out of bounds'],
    ['context.name > 1', 'no such overload'],
    ['context.nothing + 1', 'no such overload'],
    ['context.score / 0', 'division by zero'],
    ['context.name.matches(context.name + "(")', 'bad regular expression'],
    ['9007199254740993', 'too large to be exact'],
    ['1.0 / 0.0', 'not a finite number'],
    ['type(1)', 'a type, which JSON cannot hold'],
    ['now.getHours("Mars/Phobos")', 'time zone'],
  ])('fails when evaluated: %s', (expression, message) => {
    const compiled = compileCel(expression, at);
    const error = failureOf(() => compiled(scope(context, { now })));
    expect(error.code).toBe('expression-error');
    expect(error.message).toContain(message);
    expect(error.location?.line).toBe(7);
  });

  test('a condition must give a boolean, and is refused at load when it cannot', () => {
    expect(compileCondition('cel', 'context.score > 1', at)(scope(context))).toBe(true);
    expect(failureOf(() => compileCondition('cel', '1 + 1', at)).message).toContain('not int');
    const dynamic = compileCondition('cel', 'context.score', at);
    expect(failureOf(() => dynamic(scope(context))).message).toContain('true or false');
    expect(failureOf(() => cel('now', context)).message).toContain('`now` has no value');
  });

  test('further names are known when they are announced', () => {
    const compiled = compileCel('item.n + index', at, ['item', 'index']);
    expect(compiled({ ...scope({}), locals: { item: { n: 2 }, index: 1 } })).toBe(3);
    expect(placeOf(() => compileCel('item.n', at))).toContain('Unknown variable: item');
  });

  test('a frozen context, and one whose keys look like those of a Map or an Array, are read as data', () => {
    const data = Object.freeze({
      xs: Object.freeze([1, 2]) as never,
      size: 9,
      get: 'g',
      keys: [1],
      constructor: 'c',
    });
    expect(cel('context.xs.map(x, x + 1)', data)).toEqual([2, 3]);
    expect(
      cel(
        'context.size == 9 && context.get == "g" && context.constructor == "c" && size(context) == 5',
        data,
      ),
    ).toBe(true);
    expect(cel('"keys" in context && !("forEach" in context)', data)).toBe(true);
  });

  test('a large context is not converted: a compare over 10 MB is as fast as over nothing', () => {
    const big = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`k${i}`, Array.from({ length: 1000 }, (_x, n) => n)]),
    );
    const compiled = compileCondition('cel', 'context.score >= 7.5 && context.big.k5[3] == 3', at);
    const started = performance.now();
    for (let i = 0; i < 100_000; i++) compiled(scope({ big, score: 8 }));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('positions lead back into what the author wrote', () => {
    const source = 'not context.a and matches("x", "y") or b not in c';
    const { text, sourceOffset } = toStandardCel(source);
    expect(text).toBe('!( context.a) && matchesLinear("x", "y") || !(b  in c)');
    for (const word of ['context.a', '"x"', '"y"', 'in c']) {
      expect(source.slice(sourceOffset(text.indexOf(word)))).toMatch(
        new RegExp(`^${word.replace('.', '\\.')}`),
      );
    }
    expect(sourceOffset(text.length)).toBe(source.length);
  });
});
