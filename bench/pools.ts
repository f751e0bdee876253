// Work pools on Redis and PostgreSQL against the fewest bare commands that could be a queue there, for one process and four.
// The targets are set by the alternatives: `bench/alternatives.ts`. Medians of interleaved rounds; servers are started for it. SQLite: `bench/work.ts`. `node bench/run.mjs bench/pools.ts [rounds]`
import { openBackends } from '../src/backends/open.ts';
import { startPostgres } from '../test/helpers/servers/postgres.ts';
import { startRedis } from '../test/helpers/servers/redis.ts';
import { drain } from './drain.ts';
import { compare } from './measure.ts';
import { givenTask, serveTask, timed } from './processes.ts';
import { DATA, type RawPool, rawPostgresPool, rawRedisPool } from './raw-pools.ts';
import { tellLoad } from './targets.ts';

/** What one process does. */
interface Task {
  who: 'raw' | 'flatmachine';
  url: string;
  pool: string;
  form: Form;
  /** Cycles of this process; drains go on until nothing is left. */
  cycles: number;
}

/** Push, claim and complete, each by itself; or complete so many and claim as many, so often at the same time. */
type Form = 'cycle' | { batch: number; width: number };

const FORMS: readonly [name: string, form: Form][] = [
  ['push + claim + complete', 'cycle'],
  ['drain, 1 at a time', { batch: 1, width: 1 }],
  ['drain, 10 at a time', { batch: 10, width: 1 }],
  ['drain, 1 at a time, 32 at once', { batch: 1, width: 32 }],
];

function openRaw(url: string, pool: string): Promise<RawPool> {
  return url.startsWith('redis') ? rawRedisPool(url, pool) : rawPostgresPool(url, pool);
}

async function runRaw({ url, pool, form, cycles }: Task, go: () => Promise<unknown>): Promise<number> {
  const raw = await openRaw(url, pool);
  await raw.exchange([], 0);
  await go();
  let finished = 0;
  if (form === 'cycle') {
    for (; finished < cycles; finished++) {
      await raw.push();
      await raw.complete((await raw.claim()) as string);
    }
  } else {
    const loop = async () => {
      for (let held = await raw.exchange([], form.batch); held.length > 0; ) {
        finished += held.length;
        held = await raw.exchange(held, form.batch);
      }
    };
    await Promise.all(Array.from({ length: form.width }, loop));
  }
  await raw.close();
  return finished;
}

async function runOurs(task: Task, go: () => Promise<unknown>): Promise<number> {
  const { form, cycles } = task;
  const set = await openBackends(task.url);
  const pool = set.work.pool(task.pool);
  await pool.size();
  await go();
  let finished = 0;
  if (form === 'cycle') {
    for (; finished < cycles; finished++) {
      await pool.push(DATA);
      await pool.complete((await pool.claim('w'))?.id as string);
    }
  } else finished = await drain(pool, form.batch, form.width);
  await set.close();
  return finished;
}

function run(task: Task, go: () => Promise<unknown>): Promise<number> {
  return task.who === 'raw' ? runRaw(task, go) : runOurs(task, go);
}

async function fill({ who, url, pool }: Task, count: number): Promise<void> {
  if (who === 'raw') {
    const raw = await openRaw(url, pool);
    await raw.fill(count);
    await raw.close();
    return;
  }
  const set = await openBackends(url);
  await set.work.pool(pool).pushMany(Array.from({ length: count }, () => ({ data: DATA })));
  await set.close();
}

let serial = 0;
/** The smallest share of the work that one of several processes did, in percent of an equal one. */
let smallestShare = 100;

async function measure(store: string, url: string, units: number, rounds: number): Promise<void> {
  for (const processes of [1, 4]) {
    for (const [name, form] of FORMS) {
      const count = form === 'cycle' ? units / 2 : units * (form.batch > 1 || form.width > 1 ? 4 : 1);
      const contender = (who: Task['who']) => async () => {
        const task: Task = { who, url, pool: `pool-${serial++}`, form, cycles: count / processes };
        await fill(task, form === 'cycle' ? 0 : count);
        const { time, counts } = await timed(run, task, processes);
        const done = counts.reduce((sum, one) => sum + one, 0);
        if (done !== count) throw new Error(`${who} did ${done} of ${count}`);
        if (who === 'flatmachine')
          smallestShare = Math.min(smallestShare, (100 * processes * Math.min(...counts)) / count);
        return time;
      };
      const title = `${store}, ${processes} process${processes === 1 ? '' : 'es'}, ${name}`;
      const contenders = [
        ['raw', contender('raw')],
        ['flatmachine', contender('flatmachine')],
      ] as const;
      await compare(title, count, contenders, rounds);
    }
  }
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5);
  const servers = [await startRedis('always'), await startRedis('everysec'), await startPostgres(true)];
  const [always, everysec, postgres] = servers.map(({ url }) => url) as [string, string, string];
  try {
    await measure('Redis, appendfsync always', always, 1000, rounds);
    await measure('Redis, appendfsync everysec', everysec, 4000, rounds);
    await measure('PostgreSQL, fsync on', postgres, 1000, rounds);
    console.log(`\nsmallest share of one of four processes: ${smallestShare.toFixed(0)} % of an equal one`);
    tellLoad();
  } finally {
    for (const server of servers) await server.dispose();
  }
}

const task = givenTask<Task>();
if (task) await serveTask(run, task);
else await main();
