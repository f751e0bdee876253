import type { Reporter, TestCase, TestModule } from 'vitest/node';

type Counts = { passed: number; failed: number; skipped: number; reasons: Set<string> };

/** Tests that name no component run against real files, processes and SQLite databases of this machine. */
const CORE = 'core';

/** Closes a run with a line per component, so that nothing is skipped silently, and a line of totals. */
export default class ComponentReporter implements Reporter {
  readonly #components = new Map<string, Counts>();

  onTestCaseResult(test: TestCase): void {
    const counts = this.#countsOf(test.fullName);
    const { state } = test.result();
    if (state === 'passed') counts.passed++;
    else if (state === 'failed') counts.failed++;
    else {
      counts.skipped++;
      counts.reasons.add(/\(skipped: (.*?)\)/s.exec(test.fullName)?.[1] ?? noteOf(test) ?? 'no reason given');
    }
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    const total = { passed: 0, failed: broken, skipped: 0 };
    console.log('\nWhat ran against which component:');
    for (const [name, counts] of [...this.#components].sort(([a], [b]) => a.localeCompare(b))) {
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
      const reasons = counts.reasons.size > 0 ? ` (${[...counts.reasons].join('; ')})` : '';
      console.log(
        `  ${name.padEnd(12)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped${reasons}`,
      );
    }
    if (broken > 0) console.log(`  ${broken} test files or processes broke down`);
    console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  }

  #countsOf(fullName: string): Counts {
    const name = /(?:^|> )\[([a-z][a-z0-9-]*)\] /.exec(fullName)?.[1] ?? CORE;
    const known = this.#components.get(name);
    if (known !== undefined) return known;
    const counts = { passed: 0, failed: 0, skipped: 0, reasons: new Set<string>() };
    this.#components.set(name, counts);
    return counts;
  }
}

function noteOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}
