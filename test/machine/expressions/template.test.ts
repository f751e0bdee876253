import { describe, expect, test } from 'vitest';
import { compileTemplate, compileValue } from '../../../src/machine/expressions/index.ts';
import type { JsonObject } from '../../../src/types.ts';
import { at, failureOf, placeOf, render, scope } from './helpers.ts';

const machine = { execution_id: 'e1', step: 4 } as never;

describe('what a text of the file stands for', () => {
  const context = { a: { b: [10, 20], n: null }, items: 'mine', größe: 5 };

  test.each([
    ['context.a.b', [10, 20]],
    ['context.a.b[1]', 20],
    ['context.a.b[7]', null],
    ['context.a.n', null],
    ['context.missing', null],
    ['context.missing.deeper.still[3]', null],
    ['context.a.b.length', null],
    ['context.items', 'mine'],
    ['context.größe', 5],
    ['input', {}],
    ['output', null],
    ['output.x.y', null],
    ['context', context],
  ])('the bare path %s is the value itself', (source, value) => {
    expect(render(source, context)).toEqual(value);
    expect(compileTemplate(source, 'text', at)(scope(context))).toEqual(value);
  });

  test.each([
    '',
    'plain',
    'context.',
    'context.a-b',
    'contexts.a',
    'a context.b',
    'context.a ',
    'context..b',
    '{# c #}',
    '{ x }',
    '}}',
  ])('the text %j is itself', (source) => expect(render(source, context)).toBe(source));

  test.each([
    ['{{ context.a.b }}', [10, 20], '[10, 20]'],
    ['{{- context.a.b -}}', [10, 20], '[10, 20]'],
    ['{{ context.a.b }}\n', [10, 20], '[10, 20]'],
    ['{# why #}{{ context.a.b }}', [10, 20], '[10, 20]'],
    ['{{ context.missing }}', null, ''],
    ['{{ context.a.n }}', null, 'None'],
    ['{{ 1 == 1 }}', true, 'True'],
    ['{{ "7" }}', '7', '7'],
    ["{{ 'output.txt' }}", 'output.txt', 'output.txt'],
    [' {{ 7 }}', ' 7', ' 7'],
    ['{{ 7 }}{{ 8 }}', '78', '78'],
    ['{% if true %}{{ 7 }}{% endif %}', '7', '7'],
  ])('%j is native when it is one expression, and text in text mode', (source, native, text) => {
    expect(render(source, context)).toEqual(native);
    expect(compileTemplate(source, 'text', at)(scope(context))).toBe(text);
  });

  test('context.machine is the facts of the run, whatever the user calls so', () => {
    const own = { machine: { step: 'mine' }, key: 'machine' };
    for (const template of [
      'context.machine.step',
      '{{ context.machine.step }}',
      "{{ context['machine'].step }}",
      '{{ context[context.key].step }}',
    ]) {
      expect(render(template, own, { machine })).toBe(4);
    }
    expect(render('context.machine.step', own)).toBeNull();
    expect(render("{{ 'machine' in context }}", {}, { machine })).toBe(false);
    expect(render('context', {}, { machine })).toEqual({});
  });

  test('locals of the scope are names, and a template can set a new value for one', () => {
    const locals = { item: { n: 2 }, index: 0 };
    expect(render('{{ item.n + index }}', {}, { locals })).toBe(2);
    expect(render('{% set index = index + 1 %}{{ index }}', {}, { locals })).toBe('1');
    expect(
      render(
        '{% for x in [1] %}{{ index }}{% set index = 5 %}{{ index }}{% endfor %}{{ index }}',
        {},
        { locals },
      ),
    ).toBe('050');
  });
});

describe('compileValue', () => {
  const locate = (path: (string | number)[]) => ({ ...at, file: path.join('/') });

  test('renders every text, also in maps inside lists, and makes maps and lists anew', () => {
    const value = {
      a: ['{{ context.n }}', { b: 'context.n', 'context.n': 1 }],
      c: null,
      d: 1.5,
      e: [],
      f: {},
    };
    const compiled = compileValue(value, 'native', locate);
    const first = compiled(scope({ n: 3 })) as JsonObject;
    expect(first).toEqual({ a: [3, { b: 3, 'context.n': 1 }], c: null, d: 1.5, e: [], f: {} });
    (first.e as unknown[]).push('changed');
    (first.f as JsonObject).changed = true;
    expect(compiled(scope({ n: 4 }))).toEqual({
      a: [4, { b: 4, 'context.n': 1 }],
      c: null,
      d: 1.5,
      e: [],
      f: {},
    });
    expect(value.e).toEqual([]);
  });

  test('a key named __proto__ is data', () => {
    const value = JSON.parse('{"__proto__": {"x": "{{ 1 }}"}}') as JsonObject;
    const made = compileValue(value, 'native', locate)(scope({})) as JsonObject;
    expect(JSON.stringify(made)).toBe('{"__proto__":{"x":1}}');
  });

  test('an error names the place of the text it is in', () => {
    const { location } = failureOf(() => compileValue({ a: [1, { b: '{{ }}' }] }, 'native', locate));
    expect(location?.file).toBe('a/1/b');
  });
});

describe('errors have the place and a remedy', () => {
  test.each([
    ['{{ context.a', '7:14 `}}` is missing'],
    ['{{ }}', '7:15 expected a value, found the end'],
    ['ab {{ 1 + }}', '7:22 expected a value, found the end'],
    ['{{ (1 }}', '7:15 `(` is never closed'],
    ['{{ [1 }}', '7:15 `[` is never closed'],
    ['{{ 1) }}', '7:16 `)` closes nothing'],
    ['{{ "abc }}', '7:15 the text is never closed'],
    ['{{ 1 2 }}', '7:17 expected the end of the expression, found `2`'],
    ['{{ a && b }}', '7:17 unexpected `&&`'],
    ['{{ !a }}', '7:15 unexpected `!`'],
    ['{{ a ? b : c }}', '7:17 unexpected `?`'],
    ['{{ 12abc }}', '7:15 a number runs into a name'],
    ['{{ 1e999 }}', '7:15 the number is too large'],
    ['{{ context.xs | uper }}', '7:28 there is no filter `uper`'],
    ['{{ context.xs | map("uper") }}', '7:32 there is no filter `uper`'],
    ['{{ context.xs is evn }}', '7:29 there is no test `evn`'],
    ['{{ rnge(3) }}', '7:15 there is no function `rnge`'],
    ['{{ context.xs.itms() }}', '7:26 there is no method `itms`'],
    ['{{ 1 | round(1, "common", 3) }}', '7:19 `round` takes at most 2 arguments'],
    ['{{ 1 | round(digits=3) }}', '7:32 `round` has no argument `digits`'],
    ['{{ 1 | round(1, precision=3) }}', '7:38 `precision` is given twice'],
    ['{{ "a" | replace("b") }}', '7:21 `replace` needs `new`'],
    ['{{ range() }}', '7:15 `range` needs `start`'],
    ['{% if a %}', '7:15 the block is never closed'],
    ['{% if a %}{% endfor %}', '7:25 `{% endfor %}` belongs to no open block'],
    ['{% else %}', '7:15 `{% else %}` belongs to no open block'],
    ['{% fro x in y %}', '7:15 there is no tag `fro`'],
    ['{% for x y %}', '7:21 expected `in`, found `y`'],
    ['{% for x.y in z %}{% endfor %}', '7:20 expected `in`, found `.`'],
    ['{% raw %}{{', '7:12 the block is never closed'],
    ['{{ 1 }}{# open', '7:19 the comment is never closed'],
    ['{% set x %}', '7:15 the block is never closed'],
    ['{% %}', '7:15 expected the name of a tag, found the end'],
    ['{{ context[] }}', '7:22 the `[ ]` is empty'],
    ['{{ f(a=1, 2) }}', '7:22 an argument without a name follows one with a name'],
    ['one\ntwo {{ 1 +\n  * 2 }}', '9:14 expected a value, found `*`'],
    ['one\ntwo {{ 1 }}\n\n  {{ x | nope }}', '10:21 there is no filter `nope`'],
  ])('at load: %j', (template, message) => {
    expect(placeOf(() => compileTemplate(template, 'native', at))).toContain(message);
  });

  test.each([
    ['{{ context.user.nam.x }}', '7:32 `context.user.nam.x`: `context.user.nam` is undefined'],
    ['{{ nope.x }} ', '7:20 `nope.x`: `nope` is undefined'],
    ['{{ nope[0] }} ', '7:19 `nope[…]`: `nope` is undefined'],
    ['{{ 1 + "a" }} ', '7:17 `+` does not take a number and text'],
    ['{{ context.missing + 1 }} ', '7:31 `+` does not take something undefined and a number'],
    ['{{ 1 < "a" }} ', '7:17 cannot order a number and text'],
    ['{{ none < 1 }} ', '7:20 cannot order null and a number'],
    ['{{ true < 2 }} ', '7:20 cannot order a boolean and a number'],
    ['{{ [1] < [2] }} ', '7:19 cannot order a list and a list'],
    ['{{ 1 / 0 }} ', '7:17 division by zero'],
    ['{{ 1 // 0 }} ', '7:17 division by zero'],
    ['{{ 1 % 0 }} ', '7:17 division by zero'],
    ['{{ 0 ** -1 }} ', '7:17 division by zero'],
    ['{{ -"a" }} ', '7:15 `-` does not take text'],
    ['{{ 1 in 5 }} ', '7:17 cannot look into a number'],
    ['{{ 1 in "5" }} ', '7:17 cannot look for a number in text'],
    ['{{ 5 | length }} ', '7:19 a number has no length'],
    ['{{ 5 | join }} ', '7:19 cannot go through a number'],
    ['{{ "a" | abs }} ', '7:21 a number is needed, not text'],
    ['{{ "{" | fromjson }} ', '7:21 the text is not JSON'],
    ['{{ [3, "a"] | sort }} ', '7:26 cannot order'],
    ['{{ context.missing | tojson }} ', '7:33 something undefined cannot be written as JSON'],
    ['{{ {1: 2} }} ', '7:16 the key of a map is text, not a number'],
    ['{{ [1][0:1:0] }} ', '7:18 the step of a slice cannot be zero'],
    ['{{ 5[1:2] }} ', '7:16 cannot slice a number'],
    ['{% for x in none %}{% endfor %}', '7:15 cannot loop over null'],
    ['{% for x in 5 %}{% endfor %}', '7:15 cannot go through a number'],
    ['{% for a, b in [[1]] %}{% endfor %}', '7:15 2 names take 2 items, not 1'],
    ['line\n  {{ 1 / context.zero }} ', '8:19 division by zero'],
  ])('when rendered: %j', (template, message) => {
    const compiled = compileTemplate(template, 'native', at);
    expect(placeOf(() => compiled(scope({ user: {}, zero: 0 })))).toContain(message);
  });

  test('a slip of the pen gets what was meant', () => {
    const remedy = (template: string): string =>
      failureOf(() => compileTemplate(template, 'native', at)).remedy;
    expect(remedy('{{ a | uper }}')).toBe('Did you mean `upper`?');
    expect(remedy('{{ a | select("evn") }}')).toBe('Did you mean `even`?');
    expect(remedy('{% fro x in y %}')).toBe('Did you mean `for`?');
    expect(remedy('{{ a && b }}')).toBe('Use `and`.');
    expect(remedy('{% include "x" %}')).toContain('nothing can be included');
    expect(remedy('{{ a.popen("id") }}')).toContain('only what is built in');
  });
});

describe('where JSON and Python differ, JSON wins', () => {
  test.each([
    ['{{ true == 1 }}', false],
    ['{{ 4 / 2 ~ "" }}', '2'],
    ['{{ "a" ~ ["b"] ~ {"c": none} }}', 'a["b"]{"c": null}'],
    ['{{ [1] is sameas [1] }}', false],
  ])('%s', (template, value) => expect(render(template)).toEqual(value));

  test('booleans are no numbers', () => {
    expect(failureOf(() => render('{{ true + 1 }}')).code).toBe('template-error');
  });
});

test('a large context is not copied: a path into 10 MB renders as fast as into nothing', () => {
  const big = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key${i}`, 'x'.repeat(100)]));
  const compiled = compileTemplate('Hello {{ context.user.name }}', 'native', at);
  const context = { big, user: { name: 'Ann' } };
  const started = performance.now();
  for (let i = 0; i < 100_000; i++) compiled(scope(context));
  expect(performance.now() - started).toBeLessThan(1000);
});
