import { expect, it } from 'vitest';
import { createTurnBatch } from '../../src/backends/redis/turn-batch.ts';

it('jobs of one turn go together, but never too many nor too heavy ones', async () => {
  const batches: number[][] = [];
  const { add } = createTurnBatch<number, number>(
    async (jobs) => {
      batches.push(jobs);
      return jobs.map((job) => -job);
    },
    (job) => job,
  );
  expect(await Promise.all([500, 400, 200, 3000, 1].map(add))).toEqual([-500, -400, -200, -3000, -1]);
  expect(batches.splice(0)).toEqual([[500, 400], [200], [3000], [1]]);
  await Promise.all(Array.from({ length: 100 }, () => add(0)));
  expect(batches.map(({ length }) => length)).toEqual([64, 36]);
});
