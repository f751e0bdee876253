import { toError } from '../../errors.ts';

interface Waiting<Job, Result> {
  job: Job;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

/** Jobs that go to the server together at most, and what they weigh: one script must not keep others waiting for long. */
const MAX_JOBS = 64;
const MAX_WEIGHT = 1000;

/** Jobs that are gathered before they are done. */
export interface TurnBatch<Job, Result> {
  /** Does a job, with the others of this turn of the event loop. */
  add(job: Job): Promise<Result>;
  /** Begins at once with what was gathered. */
  flush(): void;
}

/**
 * Gathers the jobs of one turn of the event loop, so that they share a script, and with it the server's write and its fsync.
 * @param run does jobs, in order, and gives their results in the same order
 * @param weigh how much work a job is
 */
export function createTurnBatch<Job, Result>(
  run: (jobs: Job[]) => Promise<readonly Result[]>,
  weigh: (job: Job) => number,
): TurnBatch<Job, Result> {
  const waiting: Waiting<Job, Result>[] = [];

  async function runBatch(batch: readonly Waiting<Job, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ job }) => job));
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(toError(error));
    }
  }

  function flush(): void {
    let batch: Waiting<Job, Result>[] = [];
    let weight = 0;
    for (const one of waiting.splice(0)) {
      const added = weigh(one.job);
      if (batch.length > 0 && (batch.length === MAX_JOBS || weight + added > MAX_WEIGHT)) {
        void runBatch(batch);
        batch = [];
        weight = 0;
      }
      batch.push(one);
      weight += added;
    }
    if (batch.length > 0) void runBatch(batch);
  }

  return {
    add: (job) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ job, resolve, reject });
      }),
    flush,
  };
}
