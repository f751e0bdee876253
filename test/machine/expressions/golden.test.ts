import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileSimple, compileTemplate } from '../../../src/machine/expressions/index.ts';
import type { Scope } from '../../../src/machine/interfaces.ts';
import type { JsonValue } from '../../../src/types.ts';

/** What Jinja2 and Python made of each case; recorded by scripts/record-jinja-golden.py. */
const golden = JSON.parse(readFileSync(new URL('../../golden/jinja.json', import.meta.url), 'utf8')) as {
  scope: Scope;
  templates: { template: string; text: string }[];
  native: { expression: string; value: JsonValue }[];
  simple: { expression: string; value: JsonValue }[];
};

const at = { file: 'golden.yml', line: 1, column: 1 };

function outcome(run: () => JsonValue): JsonValue | string {
  try {
    return run();
  } catch (error) {
    return `!! ${(error as Error).message}`;
  }
}

/** The cases whose outcome differs from the recorded one. */
function differences<T>(
  cases: readonly T[],
  source: (each: T) => string,
  wanted: (each: T) => JsonValue,
  run: (each: T) => JsonValue,
) {
  return cases
    .map((each) => ({ source: source(each), wanted: wanted(each), got: outcome(() => run(each)) }))
    .filter(({ wanted: a, got: b }) => JSON.stringify(a) !== JSON.stringify(b));
}

describe('golden data recorded from Jinja2 and Python', () => {
  test('every template renders to the same text', () => {
    expect(golden.templates.length).toBeGreaterThan(600);
    expect(
      differences(
        golden.templates,
        ({ template }) => template,
        ({ text }) => text,
        ({ template }) => compileTemplate(template, 'text', at)(golden.scope),
      ),
    ).toEqual([]);
  });

  test('a template that is one expression gives the same native value', () => {
    expect(
      differences(
        golden.native,
        ({ expression }) => expression,
        ({ value }) => value,
        ({ expression }) => compileTemplate(`{{ ${expression} }}`, 'native', at)(golden.scope),
      ),
    ).toEqual([]);
  });

  test('every simple expression gives the same value', () => {
    expect(golden.simple.length).toBeGreaterThan(80);
    expect(
      differences(
        golden.simple,
        ({ expression }) => expression,
        ({ value }) => value,
        ({ expression }) => compileSimple(expression, at)(golden.scope),
      ),
    ).toEqual([]);
  });
});
