import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadedCel, prepareCel } from '../../../src/machine/expressions/cel-environment.ts';
import { toStandardCel } from '../../../src/machine/expressions/cel-words.ts';
import { actual, type CelCase, celCases, expected, toLibrary } from './cel-vectors.ts';

/** Reason → ids of the cases that do not pass for it. */
const exclusions = JSON.parse(
  readFileSync(new URL('../../golden/cel-exclusions.json', import.meta.url), 'utf8'),
) as Record<string, string[]>;

const excluded = new Map(
  Object.entries(exclusions).flatMap(([reason, ids]) => ids.map((id) => [id, reason] as const)),
);
const cases = celCases();

/** Runs a vector in the environment that machines run in; says what is wrong, or null. */
function failure({ vector }: CelCase): string | null {
  const wanted = vector.value ?? vector.typedResult?.result ?? { boolValue: true };
  const bindings = new Map<string, unknown>();
  const environment = loadedCel().environment.clone();
  for (const [name, { value }] of Object.entries(vector.bindings ?? {})) {
    if (name.includes('.')) return 'a name with a dot';
    environment.registerVariable(name, 'dyn');
    bindings.set(
      name,
      toLibrary(value ?? {}, (text) => environment.evaluate(text)),
    );
  }
  let result: unknown;
  try {
    const parsed = environment.parse(toStandardCel(vector.expr).text);
    if (!vector.disableCheck) {
      const checked = parsed.check();
      if (!checked.valid) throw checked.error;
    }
    result = actual(parsed(bindings));
  } catch (error) {
    return vector.evalError ? null : `threw ${(error as Error).message.split('\n')[0]}`;
  }
  if (vector.evalError) return `gave ${JSON.stringify(result)} where an error is expected`;
  const right = JSON.stringify(expected(wanted));
  return JSON.stringify(result) === right ? null : `gave ${JSON.stringify(result)}, expected ${right}`;
}

describe('the official CEL vectors', () => {
  beforeAll(prepareCel);

  test('every case that is not excluded passes, and no excluded one does', () => {
    const wrong: string[] = [];
    let passed = 0;
    for (const each of cases) {
      const problem = failure(each);
      if (problem === null) passed++;
      if (problem === null && excluded.has(each.id)) wrong.push(`${each.id}: passes, take it off the list`);
      if (problem !== null && !excluded.has(each.id))
        wrong.push(`${each.id}: ${each.vector.expr}: ${problem}`);
    }
    console.log(
      `CEL vectors: ${passed} of ${cases.length} pass (${((passed / cases.length) * 100).toFixed(1)} %)`,
    );
    expect(wrong).toEqual([]);
    expect(passed / cases.length).toBeGreaterThanOrEqual(0.88);
  });

  test('the list of exclusions names cases that exist, once each', () => {
    const known = new Set(cases.map(({ id }) => id));
    const listed = Object.values(exclusions).flat();
    expect(listed.filter((id) => !known.has(id))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
    expect(cases.length).toBeGreaterThan(900);
  });
});
