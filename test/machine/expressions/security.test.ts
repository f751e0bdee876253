import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import { compileTemplate, prepareCel, references } from '../../../src/machine/expressions/index.ts';
import type { JsonObject } from '../../../src/types.ts';
import { at, cel, failureOf, render, scope, simple } from './helpers.ts';

const context: JsonObject = {
  user: { name: 'Ann' },
  xs: [1, 2],
  text: 'abc',
  n: 1,
  yes: true,
  nothing: null,
};

/** Names through which a value leads to its prototype, its class, or the host. */
const HOST_NAMES = [
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  '__lookupGetter__',
  '__class__',
  '__mro__',
  '__subclasses__',
  '__globals__',
  '__init__',
  'length',
  'call',
  'apply',
  'bind',
  'push',
  'map',
];

const VALUES = ['context', 'context.user', 'context.xs', 'context.text', 'context.n', 'context.yes', 'input'];

beforeAll(prepareCel);

describe('what does not belong to the data does not exist', () => {
  test.each(HOST_NAMES)('%s', (name) => {
    for (const value of VALUES) {
      expect(render(`{{ ${value}.${name} }}`, context)).toBeNull();
      expect(render(`{{ ${value}['${name}'] }}`, context)).toBeNull();
      expect(render(`{{ ${value}['${name.slice(0, 3)}' ~ '${name.slice(3)}'] }}`, context)).toBeNull();
      expect(render(`{{ '${name}' in ${value} }}`, { user: {}, xs: [], text: '', n: [], yes: [] })).toBe(
        false,
      );
      expect(render(`{{ [${value}] | map(attribute='${name}') | list }}`, context)).toEqual([null]);
      expect(simple(`${value}.${name}`, context)).toBeNull();
      expect(simple(`${value}["${name}"]`, context)).toBeNull();
      expect(render(`${value}.${name}`, context)).toBeNull();
    }
    for (const value of ['context', 'context.user', 'input', 'context.xs', 'dyn(context.text)']) {
      expect(failureOf(() => cel(`${value}.${name}`, context)).code).toBe('expression-error');
      expect(failureOf(() => cel(`${value}["${name}"]`, context)).code).toBe('expression-error');
    }
    expect(cel(`has(context.user.${name}) || "${name}" in context.user`, context)).toBe(false);
    expect(cel(`{"a": 1}.?${name}.hasValue()`)).toBe(false);
  });

  test('a key of such a name that the user has is data like any other', () => {
    const own = JSON.parse('{"__proto__": {"a": 1}, "constructor": "c", "machine": "mine"}') as JsonObject;
    expect(render('{{ context.__proto__.a }}{{ context.constructor }}', own)).toBe('1c');
    expect(simple('context["__proto__"].a == 1 and context.constructor == "c"', own)).toBe(true);
    expect(cel('context["__proto__"].a == 1 && context.constructor == "c"', own)).toBe(true);
    expect(render('{{ context.machine }}', own)).toBeNull();
  });
});

describe('nothing of the host can be reached', () => {
  test.each([
    "{{ range.constructor('return process')() }}",
    "{{ context.user.constructor.constructor('return process.env')() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    '{{ cycler.__init__.__globals__.os.popen("id").read() }}',
    '{{ lipsum.__globals__["os"] }}',
    '{{ joiner("x") }}',
    '{{ namespace(x=1) }}',
    '{{ self.__init__ }}',
    '{{ config.items() }}',
    '{{ process.env.HOME }}',
    '{{ globalThis.process }}',
    '{{ require("fs") }}',
    '{{ eval("1") }}',
    '{{ context.user | attr("constructor") }}',
    '{{ context.user.constructor() }}',
    '{{ context.user.toString() }}',
    '{{ context.user.hasOwnProperty("name") }}',
    '{{ context.text.__proto__() }}',
    '{{ context.xs | constructor }}',
    '{{ context.xs | __proto__ }}',
    '{{ context.xs | map("constructor") }}',
    '{{ context.xs | select("constructor") | list }}',
    '{{ context.xs | map("to" ~ "String") | list }}',
    '{{ context.xs is constructor }}',
    '{{ constructor() }}',
    '{{ "%s" | format(context) }}',
    '{{ "{0.__class__}".format(context) }}',
    '{{ "%s" % context.text }}',
    '{{ context.text.cycle(1) }}',
    '{{ context.xs.pop() }}',
    '{{ (context.user)["constructor"]("x") }}',
    '{% include "/etc/passwd" %}',
    '{% import "os" as os %}',
    '{% from "os" import system %}',
    '{% extends "base" %}',
    '{% block x %}{% endblock %}',
    '{% macro m() %}{% endmacro %}',
    '{% call m() %}{% endcall %}',
    '{% filter upper %}{% endfilter %}',
    '{% do context.xs.append(1) %}',
    '{% with x = 1 %}{% endwith %}',
    '{% set context.user.name = "Eve" %}',
    '{% set context = {} %}',
    '{% set context.__proto__.polluted = 1 %}',
    '{% for context in [1] %}{% endfor %}',
    '{% for x in context.xs recursive %}{% endfor %}',
  ])('%s', (template) => {
    const { code, location } = failureOf(() => render(`${template} `, structuredClone(context)));
    expect(code).toBe('template-error');
    expect(location?.file).toBe(at.file);
  });

  test('variables, loops and mappings pollute no prototype and change no data', () => {
    const before = structuredClone(context);
    render(
      `{% set __proto__ = {"polluted": 1} %}{% set constructor = 2 %}{% for __proto__ in context.xs %}{{ __proto__ }}{% endfor %}
      {{ {"__proto__": {"polluted": 1}} }}{{ dict(__proto__={"polluted": 1}) }}{{ '{"__proto__": {"polluted": 1}}' | fromjson }}
      {{ context.xs | sort | reverse | list }}{{ context.user | items | list }}`,
      before,
    );
    expect(({} as JsonObject).polluted).toBeUndefined();
    expect(before).toEqual(context);
    const made = render('{{ {"__proto__": {"a": 1}} }}') as JsonObject;
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(Object.keys(made)).toEqual(['__proto__']);
  });
});

describe('bombs end in an error, soon', () => {
  const double = '{% set x = x ~ x %}'.repeat(40);
  const doubleList = '{% set x = [x, x] %}'.repeat(40);

  test.each([
    ['a long repetition', '{{ "a" * 1000000000 }}'],
    ['a repetition of a repetition', '{{ ("a" * 10000000) * 1000 }}'],
    ['a long range', '{{ range(1000000000) }}'],
    ['a range without end', '{{ range(0, 10, 0) }}'],
    ['nested loops', '{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}'],
    [
      'a loop that filters',
      '{% for a in range(9999) %}{% for b in range(9999) if false %}{% endfor %}{% endfor %}',
    ],
    ['doubled text', `{% set x = "0123456789" %}${double}`],
    ['a doubled list, printed', `{% set x = [1] %}${doubleList}{{ x }}`],
    [
      'doubled lists, compared',
      `{% set x = [1] %}${doubleList}{% set y = x %}{% set x = [1] %}${doubleList}{{ x == y }}`,
    ],
    ['a long output', '{% for a in range(100000) %}{{ "0123456789" * 100 }}{% endfor %}'],
    ['a long join', '{{ range(1000000) | join("0123456789" * 1000) }}'],
    ['a growing replace', '{{ ("a" * 1000000) | replace("a", "b" * 1000000) }}'],
    ['a wide indentation', '{{ context.xs | tojson(indent=1000000000) }}'],
    ['a wide indentation of lines', '{{ ("\\n" * 1000000) | indent(1000000) }}'],
    ['a wide batch', '{{ [1] | batch(1000000000, 0) | list }}'],
    ['a summed list', '{{ (range(1000000) | batch(1) | list) | sum(start=[]) }}'],
    ['a large power', '{{ 9 ** 9 ** 9 ** 9 }}'],
    ['a large product', '{{ 1e308 * 10 }} '],
    ['an inexact product', '{{ 9007199254740991 * 3 }} '],
    ['deep JSON', '{{ ("[" * 100000 ~ "]" * 100000) | fromjson }} '],
    ['much work in a loop', '{% for a in range(100000) %}{{ ("a" * 1000000) | upper | length }}{% endfor %}'],
    [
      'a search for a number in a text of digits',
      `{{ ("1" * 10000000 ~ "x") | float("no") }}${'{{ 1 / 0 }}'}`,
    ],
  ])('%s', (_name, template) => {
    const started = performance.now();
    expect(failureOf(() => render(template, context)).code).toBe('template-error');
    expect(performance.now() - started).toBeLessThan(8000);
  });

  test.each([
    ['brackets', (n: number) => '('.repeat(n) + 1 + ')'.repeat(n)],
    ['open brackets', (n: number) => '('.repeat(n)],
    ['lists', (n: number) => '['.repeat(n) + ']'.repeat(n)],
    ['signs', (n: number) => `${'-'.repeat(n)}1`],
    ['negations', (n: number) => `${'not '.repeat(n)}1`],
    ['a long sum', (n: number) => `1${'+1'.repeat(n)}`],
    ['a long path', (n: number) => `context${'.a'.repeat(n)}`],
    ['indices', (n: number) => `context${'[0]'.repeat(n)}`],
  ])('10,000 × %s are refused at load', (_name, make) => {
    expect(failureOf(() => simple(make(10_000))).code).toBe('expression-error');
    expect(failureOf(() => render(`{{ ${make(10_000)} }}`)).code).toBe('template-error');
    expect(failureOf(() => cel(make(10_000))).code).toBe('expression-error');
  });

  test('long chains that need no depth are fine', () => {
    expect(simple(`1${' and 1'.repeat(10_000)}`)).toBe(true);
    expect(simple(`1${' < 2 < 3 > 1'.repeat(2_000)} == 1`)).toBe(true);
    expect(render(`{% if false %}${'{% elif false %}'.repeat(5_000)}{% else %}x{% endif %}`)).toBe('x');
  });

  test('blocks, filters and conditionals that nest too deep are refused at load', () => {
    const deep = (open: string, close: string): string => open.repeat(10_000) + close.repeat(10_000);
    expect(failureOf(() => render(deep('{% if 1 %}', '{% endif %}'))).code).toBe('template-error');
    expect(failureOf(() => render(deep('{% for x in y %}', '{% endfor %}'))).code).toBe('template-error');
    expect(failureOf(() => render(`{{ 1 ${'| abs '.repeat(10_000)} }}`)).code).toBe('template-error');
    expect(failureOf(() => render(`{{ 1 ${'if 1 else 1 '.repeat(10_000)} }}`)).code).toBe('template-error');
    expect(failureOf(() => render(`{{ ${'{"a": '.repeat(10_000)}1${'}'.repeat(10_000)} }}`)).code).toBe(
      'template-error',
    );
  });

  test('regular expressions of CEL take linear time', () => {
    const text = `${'a'.repeat(50_000)}b`;
    const started = performance.now();
    expect(cel('context.text.matches("^(a+)+$")', { text })).toBe(false);
    expect(cel('matches(context.text, "(a|a)*c")', { text })).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(failureOf(() => cel('"a".matches("(?=a)")')).message).toContain('regular expression');
  });

  test.each([
    ['nested macros', 'context.xs.all(a, context.xs.all(b, context.xs.all(c, true)))'],
    [
      'nested macros that absorb errors',
      'context.xs.exists(a, context.xs.exists(b, context.xs.exists(c, c < 0))) || true',
    ],
    ['nested maps', 'context.xs.map(a, context.xs.map(b, context.xs.map(c, c))).size() > 0'],
    [
      'doubled text',
      `${'cel.bind(a, '.repeat(1)}"0123456789", ${'cel.bind(a, a + a, '.repeat(40)}a${')'.repeat(41)}.size() > 0`,
    ],
    ['doubled lists', `cel.bind(a, [1, 1], ${'cel.bind(a, a + a, '.repeat(40)}a${')'.repeat(41)}.size() > 0`],
  ])('CEL: %s', (_name, expression) => {
    const xs = Array.from({ length: 3000 }, (_, i) => i);
    const started = performance.now();
    expect(failureOf(() => cel(expression, { xs })).code).toBe('expression-error');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('the bounds are per rendering, not for ever', () => {
    const renderMany = compileTemplate('{% for a in range(600000) %}{% endfor %}done', 'native', at);
    expect([renderMany(scope({})), renderMany(scope({}))]).toEqual(['done', 'done']);
    const xs = Array.from({ length: 900 }, (_, i) => i);
    for (let i = 0; i < 2; i++)
      expect(cel('context.xs.all(a, context.xs.all(b, a + b >= 0))', { xs })).toBe(true);
  });
});

describe('whatever the text, it compiles and runs, or ends in an error of ours with a place', () => {
  const words = [
    ...[
      '{{ ',
      ' }}',
      '{% ',
      ' %}',
      '{#',
      '#}',
      '-',
      '|',
      '.',
      ',',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ':',
      '"',
      "'",
      '\n',
      '\\',
    ],
    ...[
      'context',
      'context.xs',
      'input',
      'output',
      'now',
      'range(3)',
      'x',
      '1',
      '0',
      '2.5',
      '"a"',
      'none',
      'true',
      '😀',
    ],
    ...[
      'if ',
      'elif ',
      'else',
      'endif',
      'for x in ',
      'endfor',
      'set x = ',
      'endset',
      'raw',
      'endraw',
      ' is ',
      ' in ',
      ' not ',
    ],
    ...[
      ' and ',
      ' or ',
      'map',
      'select',
      'join',
      'sort',
      'sum',
      'tojson',
      'round',
      'loop.index',
      '.items()',
      '.split()',
    ],
    ...[
      '==',
      '<',
      '+',
      '*',
      '**',
      '//',
      '%',
      '~',
      '?',
      '&&',
      '||',
      '!',
      'has(',
      'size(',
      '.exists(x, ',
      'r"',
      '"""',
      'matches(',
    ],
  ];
  const text = fc.array(fc.constantFrom(...words), { maxLength: 14 }).map((parts) => parts.join(''));

  const refusedOrFine = (run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof FlatMachineError)) throw error;
      expect(error.location?.line).toBeGreaterThan(0);
    }
  };

  test('templates', () => {
    fc.assert(
      fc.property(text, (source) => {
        refusedOrFine(() => render(`{{ ${source}`, context));
        refusedOrFine(() => render(`{% ${source}`, context));
        refusedOrFine(() => render(source, context));
        refusedOrFine(() => references(`{{ ${source}`, 'template'));
      }),
      { numRuns: 2000 },
    );
  });

  test('CEL', () => {
    fc.assert(
      fc.property(text, (source) => {
        refusedOrFine(() => cel(source, context));
        refusedOrFine(() => references(source, 'cel'));
      }),
      { numRuns: 2000 },
    );
  });
});
