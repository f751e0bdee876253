import { expect, test } from 'vitest';
import { references } from '../../../src/machine/expressions/index.ts';

const of = (source: string, kind: 'template' | 'simple' | 'cel'): string[] =>
  references(source, kind).paths.map((path) => path.join('/'));

test.each([
  ['plain text', []],
  ['context.user.name', ['context/user/name']],
  ['context.xs[0].n', ['context/xs/0/n']],
  ['{{ context.a }} {{ context.a }} {{ input.b["c"].d }}', ['context/a', 'input/b/c/d']],
  ['{{ context.a[context.key].z }}', ['context/a', 'context/key']],
  ['{{ context.a | default(context.b) | join(context.c) }}', ['context/a', 'context/b', 'context/c']],
  [
    '{% for x in context.xs if x.ok %}{{ x.n }}{{ loop.index }}{{ item.q }}{% else %}{{ context.none }}{% endfor %}',
    ['context/xs', 'item/q', 'context/none'],
  ],
  [
    '{% set a = context.q %}{{ a.b }}{% if context.c is defined %}{{ context.d if context.e else context.f }}{% endif %}',
    ['context/q', 'context/c', 'context/e', 'context/d', 'context/f'],
  ],
  ['{% set a %}{{ context.x }}{% endset %}{{ a }}', ['context/x']],
  [
    '{{ {"k": context.m} }}{{ [context.l][0] }}{{ context.s[context.i:] }}{{ -context.neg }}{{ range(context.r) }}',
    ['context/m', 'context/l', 'context/s', 'context/i', 'context/neg', 'context/r'],
  ],
  ['{{ context.items.items() }}{{ context.machine.step }}', ['context/items', 'context/machine/step']],
  ['{% raw %}{{ context.no }}{% endraw %}{# {{ context.no }} #}{{ "context.no" }}', []],
])('template %j', (source, paths) => expect(of(source, 'template')).toEqual(paths));

test.each([
  ['context.a > 1 and not (input.b in [context.c, "context.no"])', ['context/a', 'input/b', 'context/c']],
  ['0 < context.a.b[0] < context["d"]', ['context/a/b/0', 'context/d']],
])('simple %j', (source, paths) => expect(of(source, 'simple')).toEqual(paths));

test.each([
  ['context.a.b > 1 && has(context.c) // context.no', ['context/a/b', 'context/c']],
  ['context["a"].b[0] + context.name.size()', ['context/a/b', 'context/name']],
  ['context.xs.exists(x, x.context == context.?y.z)', ['context/xs', 'context/y/z']],
  ['"context.no" + r"context.no" + input.n + string(now)', ['input/n', 'now']],
])('cel %j', (source, paths) => expect(of(source, 'cel')).toEqual(paths));

test('what cannot be parsed is refused', () => {
  expect(() => references('{{ }}', 'template')).toThrow(/expected a value/);
  expect(() => references('a +', 'simple')).toThrow(/expected a value/);
});
