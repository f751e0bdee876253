import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';

/** How many cases there are. */
const CASES = 91;

const directory = join(packageRoot(), 'test', 'reference');
const page = readFileSync(join(packageRoot(), 'docs', 'reference-cases.md'), 'utf8');

/** Where each case is tested, or why it is not, as the page says. */
function rows(): [number, string][] {
  return [...page.matchAll(/^\| *(\d+) *\|.*\| *([^|]+?) *\|$/gm)].map(([, n, where]) => [
    Number(n),
    where as string,
  ]);
}

/** Where each case is tested, by the names of the tests. */
function tests(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const file of readdirSync(directory).sort()) {
    const [, name] = /^(.+)\.test\.ts$/.exec(file) ?? [];
    if (name === undefined) continue;
    for (const [, n] of readFileSync(join(directory, file), 'utf8').matchAll(/\bit\(\s*'case (\d+)/g)) {
      found.set(Number(n), [...(found.get(Number(n)) ?? []), name]);
    }
  }
  return found;
}

it('every case of the reference is on the page, and tested where the page says or not for the reason it gives', () => {
  expect(rows().map(([n]) => n)).toEqual(Array.from({ length: CASES }, (_, i) => i + 1));
  const tested = tests();
  for (const [n, where] of rows()) {
    if (where.startsWith('not yet: ')) expect([n, tested.get(n)]).toEqual([n, undefined]);
    else expect([n, tested.get(n)?.sort()]).toEqual([n, where.split(', ').sort()]);
  }
});
