// Beside named alternatives on the same servers, with the same durability and sizes: pools beside BullMQ, graphile-worker and pg-boss; durable steps of whole
// engines beside LangGraph and DBOS. They are installed outside of the project. Medians of interleaved rounds.
// `node bench/run.mjs bench/alternatives.ts [rounds] [directory in which they are, or shall be, installed]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackends } from '../src/backends/open.ts';
import { startPostgres } from '../test/helpers/servers/postgres.ts';
import { startRedis } from '../test/helpers/servers/redis.ts';
import { bullMq } from './alternatives/bullmq.ts';
import { dbos } from './alternatives/dbos.ts';
import { installAlternatives } from './alternatives/install.ts';
import { type LoopingGraph, langGraphPostgres, langGraphSqlite } from './alternatives/langgraph.ts';
import { loopingMachine } from './alternatives/ours.ts';
import { graphileWorker, pgBoss } from './alternatives/postgres-queues.ts';
import { drain } from './drain.ts';
import { type Contender, compare } from './measure.ts';
import { DATA } from './raw-pools.ts';
import { noteTarget, tellTargets } from './targets.ts';

const WIDTH = 32;
const BATCH = 100;
const rounds = Number(process.argv[2] ?? 5);
const alternatives = installAlternatives(process.argv[3]);
const directory = mkdtempSync(join(tmpdir(), 'flatmachine-bench-'));
let serial = 0;

/** We come last; the target is the first of the others, or the fastest. */
async function contest(title: string, units: number, contenders: readonly Contender[]): Promise<void> {
  const ratios = await compare(title, units, contenders, rounds);
  const ours = ratios.pop() as number;
  const best = Math.max(...ratios);
  noteTarget(title, ours / best, 1, contenders[ratios.indexOf(best)]?.[0] as string);
}

async function ourDrain(url: string, count: number, batch: number, width: number): Promise<number> {
  const set = await openBackends(url);
  const pool = set.work.pool(`pool-${serial++}`);
  await pool.pushMany(Array.from({ length: count }, () => ({ data: DATA })));
  const started = performance.now();
  const finished = await drain(pool, batch, width);
  const took = performance.now() - started;
  await set.close();
  if (finished !== count) throw new Error(`flatmachine did ${finished} of ${count}`);
  return took;
}

async function redisPools(fsync: 'always' | 'everysec', count: number): Promise<void> {
  const server = await startRedis(fsync);
  try {
    for (const width of [1, WIDTH]) {
      const units = width === 1 ? count / 4 : count;
      const bull = bullMq(alternatives, server.port, width);
      await contest(`drain, Redis, appendfsync ${fsync}, ${width} at once`, units, [
        [alternatives.nameOf('bullmq'), () => bull(units)],
        ['flatmachine', () => ourDrain(server.url, units, 1, width)],
      ]);
    }
  } finally {
    await server.dispose();
  }
}

async function postgresPools(url: string): Promise<void> {
  const graphile = await graphileWorker(alternatives, url);
  const boss = await pgBoss(alternatives, url);
  const names = [alternatives.nameOf('graphile-worker'), alternatives.nameOf('pg-boss')] as const;
  await contest('drain, PostgreSQL, fsync on, one by one', 400, [
    [names[0], () => graphile(400, 1)],
    [names[1], () => boss.drain(400, 1)],
    ['flatmachine', () => ourDrain(url, 400, 1, 1)],
  ]);
  await contest(`drain, PostgreSQL, fsync on, ${WIDTH} at once`, 2000, [
    [names[0], () => graphile(2000, WIDTH)],
    ['flatmachine', () => ourDrain(url, 2000, 1, WIDTH)],
  ]);
  await contest(`drain, PostgreSQL, fsync on, batches of ${BATCH}`, 5000, [
    [names[1], () => boss.drain(5000, BATCH)],
    ['flatmachine', () => ourDrain(url, 5000, BATCH, 1)],
  ]);
  await boss.close();
}

async function steps(
  store: string,
  loops: readonly [name: string, loop: LoopingGraph][],
  counts: readonly [number, number],
): Promise<void> {
  for (const [i, executions] of [1, 100].entries()) {
    const units = counts[i] as number;
    const title = `durable steps of 1 KB, ${store}, ${executions === 1 ? 'one execution' : `${executions} executions at once`}`;
    await contest(
      title,
      units,
      loops.map(([name, loop]) => [name, () => loop.run(units, executions)]),
    );
  }
  for (const [, loop] of loops) await loop.close();
}

try {
  await redisPools('always', 2000);
  await redisPools('everysec', 8000);
  const postgres = await startPostgres(true);
  try {
    await postgresPools(postgres.url);
    const langGraph = alternatives.nameOf('@langchain/langgraph');
    await steps(
      'SQLite, power-loss',
      [
        [langGraph, await langGraphSqlite(alternatives, join(directory, 'langgraph.db'))],
        ['flatmachine', await loopingMachine(`sqlite:${join(directory, 'ours.db')}`)],
      ],
      [300, 2000],
    );
    await steps(
      'PostgreSQL, fsync on',
      [
        [langGraph, await langGraphPostgres(alternatives, postgres.url)],
        [
          alternatives.nameOf('@dbos-inc/dbos-sdk'),
          await dbos(alternatives, postgres.url.replace(/[^/]+$/, 'dbos')),
        ],
        ['flatmachine', await loopingMachine(postgres.url)],
      ],
      [300, 2000],
    );
  } finally {
    await postgres.dispose();
  }
  tellTargets();
} finally {
  rmSync(directory, { recursive: true });
  alternatives.dispose();
}
