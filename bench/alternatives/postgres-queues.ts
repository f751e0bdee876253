import pg from 'pg';
import { DATA } from '../raw-pools.ts';
import type { Alternatives } from './install.ts';

interface GraphileWorker {
  run(options: object): Promise<{ stop(): Promise<void>; promise: Promise<void> }>;
  runMigrations(options: object): Promise<void>;
  Logger: new (factory: () => () => void) => object;
}

interface PgBoss {
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): void;
  createQueue(name: string): Promise<void>;
  insert(jobs: object[]): Promise<void>;
  fetch(name: string, options: { batchSize: number }): Promise<{ id: string }[]>;
  complete(name: string, ids: string[]): Promise<unknown>;
}

/** Milliseconds in which graphile-worker drains its queue, so many jobs at once. What is done is deleted. */
export async function graphileWorker(alternatives: Alternatives, connectionString: string) {
  const { run, runMigrations, Logger } = alternatives.load('graphile-worker') as GraphileWorker;
  const logger = new Logger(() => () => {});
  await runMigrations({ connectionString, logger });
  return async (count: number, width: number): Promise<number> => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(
      "SELECT graphile_worker.add_jobs(array_agg(json_populate_record(NULL::graphile_worker.job_spec, json_build_object('identifier', 'job', 'payload', $1::json)))) FROM generate_series(1, $2)",
      [JSON.stringify(DATA), count],
    );
    await client.end();
    let left = count;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const started = performance.now();
    const runner = await run({
      connectionString,
      logger,
      concurrency: width,
      maxPoolSize: width + 2,
      noHandleSignals: true,
      taskList: { job: async () => void (--left === 0 && finish()) },
    });
    await finished;
    const took = performance.now() - started;
    await runner.stop();
    await runner.promise;
    return took;
  };
}

/** pg-boss: `drain` gives the milliseconds in which it fetches and completes all, so many jobs at a time. */
export async function pgBoss(alternatives: Alternatives, connectionString: string) {
  const Boss = alternatives.load('pg-boss') as new (options: object) => PgBoss;
  const boss = new Boss({ connectionString, schedule: false });
  let failed: Error | null = null;
  boss.on('error', (error) => {
    failed ??= error;
  });
  await boss.start();
  let serial = 0;
  return {
    async drain(count: number, batchSize: number): Promise<number> {
      const name = `boss-${serial++}`;
      await boss.createQueue(name);
      await boss.insert(Array.from({ length: count }, () => ({ name, data: DATA })));
      const started = performance.now();
      let finished = 0;
      for (;;) {
        const jobs = await boss.fetch(name, { batchSize });
        if (jobs.length === 0) break;
        await boss.complete(
          name,
          jobs.map(({ id }) => id),
        );
        finished += jobs.length;
      }
      if (failed) throw failed;
      if (finished !== count) throw new Error(`pg-boss did ${finished} of ${count}`);
      return performance.now() - started;
    },
    close: () => boss.stop({ graceful: false }),
  };
}
