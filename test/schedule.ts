import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that hold something to a bound of milliseconds, or one speed to another: what else runs on the machine would be measured too. They run one
 * after another, when the others are over.
 */
export const ALONE: readonly string[] = [
  'test/backends/work-sqlite.test.ts',
  'test/backends/local-storage.test.ts',
  'test/backends/sqlite-processes.test.ts',
  'test/backends/sqlite-storage.test.ts',
  'test/execution/children.test.ts',
  'test/execution/dispatcher-process.test.ts',
  'test/execution/dispatcher.test.ts',
  'test/execution/engine.test.ts',
  'test/execution/strategies/retry.test.ts',
  'test/execution/timeouts.test.ts',
  'test/machine/lint.test.ts',
  'test/reference/children.test.ts',
  'test/rollout/wait-line.test.ts',
  'test/runners/stopped.test.ts',
];

/** The files that take longest, longest first: begun last, one of them would be waited for alone. */
const LONG: readonly string[] = [
  'test/crash/rollout-crash.test.ts',
  'test/runners/conformance.test.ts',
  'test/conformance/mixed.test.ts',
  'test/conformance/backends.test.ts',
  'test/crash/store-crash.test.ts',
  'test/backends/postgres-storm.test.ts',
  'test/e2e/batch-storm.test.ts',
  'test/backends/work-processes.test.ts',
  'test/machines/rollout-batch.test.ts',
  'test/machines/reaper.test.ts',
  'test/cli/stores.test.ts',
  'test/runners/shells.test.ts',
  'test/runners/orphans.test.ts',
  'test/crash/tree-crash.test.ts',
  'test/e2e/output.test.ts',
  'test/e2e/stop.test.ts',
  'test/e2e/hostile-tasks.test.ts',
  'test/machines/rollout.test.ts',
];

/** Starts the long files first, whatever earlier runs on this machine have left in a cache. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.indexOf(relative(this.ctx.config.root, moduleId));
      return place === -1 ? LONG.length : place;
    };
    // The sort is stable: the rest stays as it was.
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
