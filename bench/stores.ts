// Durable steps per second of SQLite, Redis and PostgreSQL, for one execution and for a hundred at once, each against the raw limit of its store: the same
// bytes through the bare driver, one by one and grouped by a hundred. Medians of interleaved rounds; servers are started for it.
// `node bench/run.mjs bench/stores.ts [rounds]`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { BackendSet } from '../src/backends/interfaces.ts';
import { openBackends } from '../src/backends/open.ts';
import { startPostgres } from '../test/helpers/servers/postgres.ts';
import { startRedis } from '../test/helpers/servers/redis.ts';
import { compare, median } from './measure.ts';
import { changingPart, fenceOf, saveSteps } from './steps.ts';
import { noteTarget, tellTargets } from './targets.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const GROUP = 100;
const STORED = 10_000;
let serial = 0;

/** A store through its bare driver. */
interface Raw {
  /** Writes steps, so many with each commit. */
  write(steps: number, group: number): Promise<void>;
  /** The smallest question. */
  ask(): unknown;
  close(): unknown;
}

interface Store {
  name: string;
  /** What `openBackends` takes. */
  url: string;
  raw: Raw;
  /** Steps of a round, for one execution and for many. */
  steps: { alone: number; many: number };
}

function rawSqlite(file: string): Raw {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE steps (run INTEGER, step INTEGER, body TEXT NOT NULL, PRIMARY KEY (run, step))');
  const insert = db.prepare('INSERT INTO steps VALUES (?, ?, ?)');
  const ask = db.prepare('SELECT 1');
  return {
    async write(steps, group) {
      const run = serial++;
      const writeGroup = db.transaction((first: number) => {
        for (let step = first; step < first + group; step++) insert.run(run, step, changingPart(step));
      });
      for (let step = 0; step < steps; step += group) writeGroup.immediate(step);
    },
    ask: () => ask.get(),
    close: () => db.close(),
  };
}

function rawRedis(url: string): Raw {
  const redis = new Redis(url);
  return {
    async write(steps, group) {
      const key = `raw-${serial++}`;
      for (let first = 0; first < steps; first += group) {
        const pipeline = redis.pipeline();
        for (let step = first; step < first + group; step++) pipeline.hset(key, step, changingPart(step));
        await pipeline.exec();
      }
      await redis.unlink(key);
    },
    ask: () => redis.ping(),
    close: () => redis.disconnect(),
  };
}

async function rawPostgres(url: string): Promise<Raw> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    'CREATE TABLE raw_steps (run bigint, step bigint, body text NOT NULL, PRIMARY KEY (run, step))',
  );
  const insert = {
    name: 'raw',
    text: 'INSERT INTO raw_steps SELECT $1, * FROM unnest($2::bigint[], $3::text[])',
  };
  return {
    async write(steps, group) {
      const run = serial++;
      for (let first = 0; first < steps; first += group) {
        const numbers = Array.from({ length: group }, (_, i) => first + i);
        await client.query({ ...insert, values: [run, numbers, numbers.map(changingPart)] });
      }
    },
    ask: () => client.query({ name: 'ask', text: 'SELECT 1' }),
    close: () => client.end(),
  };
}

async function ours(set: BackendSet, steps: number, executions: number): Promise<number> {
  const ids = Array.from({ length: executions }, () => `run-${serial++}`);
  const fences = await Promise.all(ids.map((id) => fenceOf(set, id)));
  const started = performance.now();
  await Promise.all(fences.map((fence) => saveSteps(set, fence, steps / executions)));
  const took = performance.now() - started;
  // What earlier rounds have stored is nobody's load now.
  for (const id of ids) {
    await set.persistence.deleteExecution(id);
    await set.locking.release(id);
  }
  return took;
}

async function timeOf(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 500; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return median(times);
}

async function newest(set: BackendSet, name: string, raw: Raw): Promise<string> {
  const id = `long-${serial++}`;
  await saveSteps(set, await fenceOf(set, id), STORED, Number.POSITIVE_INFINITY);
  const [took, asked] = [await timeOf(() => set.persistence.latest(id)), await timeOf(raw.ask)];
  return `${name}: latest() of ${STORED} steps ${took.toFixed(3)} ms; the smallest question ${asked.toFixed(3)} ms`;
}

async function measure({ name, url, raw, steps }: Store): Promise<string> {
  const set = await openBackends(url);
  for (const executions of [1, GROUP]) {
    const count = executions === 1 ? steps.alone : steps.many;
    const title = `${name}, ${executions === 1 ? 'one execution' : `${executions} executions at once`}`;
    const contenders = [
      [
        executions === 1 ? 'raw, one by one' : 'raw, grouped by a hundred',
        () => raw.write(count, executions),
      ],
      ['flatmachine', () => ours(set, count, executions)],
    ] as const;
    const [, ratio = 0] = await compare(`durable steps, 1 KB of state, ${title}`, count, contenders, ROUNDS);
    noteTarget(title, ratio, executions === 1 ? 0.8 : 0.5, 'raw');
  }
  const line = await newest(set, name, raw);
  await set.close();
  await raw.close();
  return line;
}

const directory = mkdtempSync(join(tmpdir(), 'flatmachine-bench-'));
const servers = [
  await startRedis('always'),
  await startRedis('everysec'),
  await startPostgres(true),
] as const;
const [always, everysec, postgres] = servers;
try {
  const stores: Store[] = [
    {
      name: 'SQLite, power-loss',
      url: `sqlite:${join(directory, 'ours.db')}`,
      raw: rawSqlite(join(directory, 'raw.db')),
      steps: { alone: 2000, many: 20_000 },
    },
    {
      name: 'Redis, appendfsync always',
      url: always.url,
      raw: rawRedis(always.url),
      steps: { alone: 2000, many: 10_000 },
    },
    {
      name: 'Redis, appendfsync everysec',
      url: everysec.url,
      raw: rawRedis(everysec.url),
      steps: { alone: 3000, many: 20_000 },
    },
    {
      name: 'PostgreSQL, fsync on',
      url: postgres.url,
      raw: await rawPostgres(postgres.url),
      steps: { alone: 2000, many: 10_000 },
    },
  ];
  const lines: string[] = [];
  for (const store of stores) lines.push(await measure(store));
  tellTargets();
  console.log(lines.join('\n'));
} finally {
  for (const server of servers) await server.dispose();
  rmSync(directory, { recursive: true });
}
