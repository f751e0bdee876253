/**
 * One case of a conformance suite, for any test runner: `for (const c of cases) test(c.name, c.run)`.
 * It passes when `run` resolves; it throws an AssertionError of `node:assert` otherwise.
 */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}
