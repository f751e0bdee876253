import { defineConfig } from 'vitest/config';
import { ALONE, LongestFirst } from './test/schedule.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globalSetup: './test/global-setup.ts',
    reporters: [process.env.CI ? 'dot' : 'default', './test/component-reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE],
          // Most of a test's time is waiting: for processes to start, timeouts to run out, leases to expire.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: [...ALONE], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
