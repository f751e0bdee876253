// Work pools on SQLite against raw better-sqlite3 doing the bare statements, for one process and four; and claims among few and many items.
// Medians of interleaved rounds. `node bench/run.mjs bench/work.ts [rounds]`
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Finish } from '../src/backends/interfaces.ts';
import { openBackends } from '../src/backends/open.ts';
import { compare, median } from './measure.ts';

type Level = 'power-loss' | 'process-crash';

/** `cycle`: push, claim and complete, each by itself. Else: complete so many and claim as many, in one transaction. */
type Form = 'cycle' | number;

/** What one process does. */
interface Task {
  who: 'raw' | 'ours';
  file: string;
  level: Level;
  form: Form;
  /** Cycles of this process; drains go on until nothing is left. */
  cycles: number;
}

const DATA = { task: 'bench', text: 'x'.repeat(200) };
const COUNTS: Readonly<Record<Level, number>> = { 'power-loss': 2000, 'process-crash': 8000 };

/** The bare statements, on a table that could do the job. */
function openRaw(file: string, level: Level) {
  const db = new Database(file, { timeout: 60_000 });
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${level === 'power-loss' ? 'FULL' : 'NORMAL'}`);
  db.exec(`CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY AUTOINCREMENT, pool TEXT NOT NULL, status TEXT NOT NULL, priority INTEGER NOT NULL,
      data TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, claimed_by TEXT, token TEXT, lease_until INTEGER, result TEXT);
    CREATE INDEX IF NOT EXISTS line ON items (pool, status, priority);`);
  const insert = db.prepare(
    "INSERT INTO items (pool, status, priority, data) VALUES ('pool', 'pending', 0, ?)",
  );
  const take = db.prepare<unknown[], { id: number }>(
    `UPDATE items SET status = 'claimed', attempts = attempts + 1, claimed_by = ?, token = ?, lease_until = ?
     WHERE id = (SELECT id FROM items WHERE pool = 'pool' AND status = 'pending' ORDER BY priority, id LIMIT 1) RETURNING id, data`,
  );
  const done = db.prepare("UPDATE items SET status = 'done', result = ? WHERE id = ? AND token = ?");
  const claim = () => take.get('w', 'token', Date.now() + 60_000)?.id;
  const complete = (id: number) => done.run('null', id, 'token');
  const exchange = db.transaction((ids: number[], count: number) => {
    for (const id of ids) complete(id);
    const claimed: number[] = [];
    for (let id = claim(); id !== undefined; id = claimed.length < count ? claim() : undefined)
      claimed.push(id);
    return claimed;
  });
  return {
    fill: db.transaction((count: number) => {
      for (let n = 0; n < count; n++) insert.run(JSON.stringify(DATA));
    }),
    push: () => insert.run(JSON.stringify(DATA)),
    claim,
    complete,
    exchange: (ids: number[], count: number) => exchange.immediate(ids, count),
    close: () => db.close(),
  };
}

function runRaw({ file, level, form, cycles }: Task, go: () => Promise<unknown>): Promise<number> {
  const raw = openRaw(file, level);
  return go().then(() => {
    let finished = 0;
    if (form === 'cycle') {
      for (; finished < cycles; finished++) {
        raw.push();
        raw.complete(raw.claim() as number);
      }
    } else {
      for (let held = raw.exchange([], form); held.length > 0; held = raw.exchange(held, form))
        finished += held.length;
    }
    raw.close();
    return finished;
  });
}

async function runOurs({ file, level, form, cycles }: Task, go: () => Promise<unknown>): Promise<number> {
  const set = await openBackends(`sqlite:${file}?durability=${level}`);
  const pool = set.work.pool('pool');
  await pool.size();
  await go();
  let finished = 0;
  if (form === 'cycle') {
    for (; finished < cycles; finished++) {
      await pool.push(DATA);
      await pool.complete((await pool.claim('w'))?.id as string);
    }
  } else {
    const ends = (items: readonly { id: string }[]): Finish[] =>
      items.map(({ id }) => ({ id, status: 'done' }));
    let { claimed } = await pool.exchange([], 'w', form);
    while (claimed.length > 0) {
      finished += claimed.length;
      ({ claimed } = await pool.exchange(ends(claimed), 'w', form));
    }
  }
  await set.close();
  return finished;
}

function runTask(task: Task, go: () => Promise<unknown>): Promise<number> {
  return task.who === 'raw' ? runRaw(task, go) : runOurs(task, go);
}

async function fill({ who, file, level }: Task, count: number): Promise<void> {
  if (who === 'raw') {
    const raw = openRaw(file, level);
    raw.fill(count);
    raw.close();
    return;
  }
  const set = await openBackends(`sqlite:${file}?durability=${level}`);
  await set.work.pool('pool').pushMany(Array.from({ length: count }, () => ({ data: DATA })));
  await set.close();
}

/** The smallest share of the work that one of several processes did, in percent of an equal one. */
let smallestShare = 100;

/** Milliseconds that so many processes take. What only opens and fills the store is not counted. */
async function timed(task: Task, processes: number, units: number): Promise<number> {
  if (task.form !== 'cycle') await fill(task, units);
  if (processes === 1) {
    let started = 0;
    await runTask(task, async () => {
      started = performance.now();
    });
    return performance.now() - started;
  }
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [process.argv[1] as string, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  const started = performance.now();
  const counts = children.map(async ({ stdin, stdout }) => {
    stdin.write('go\n');
    const [text] = (await once(stdout, 'data')) as [Buffer];
    return Number(text.toString());
  });
  const finished = await Promise.all(counts);
  const time = performance.now() - started;
  if (task.who === 'ours') {
    smallestShare = Math.min(smallestShare, (100 * processes * Math.min(...finished)) / units);
  }
  return time;
}

async function latencies(pending: number, directory: string): Promise<number> {
  const task: Task = {
    who: 'ours',
    file: join(directory, `${pending}.db`),
    level: 'process-crash',
    form: 1,
    cycles: 0,
  };
  for (let filled = 0; filled < pending; filled += 1000) await fill(task, 1000);
  const set = await openBackends(`sqlite:${task.file}?durability=${task.level}`);
  const pool = set.work.pool('pool');
  const times: number[] = [];
  for (let n = 0; n < 600; n++) {
    const start = performance.now();
    await pool.claim('w');
    times.push(performance.now() - start);
  }
  await set.close();
  return median(times);
}

/** Null where there is none. */
function targetOf(level: Level, processes: number, form: Form): number | null {
  if (level === 'process-crash') return processes === 1 && form === 'cycle' ? 0.7 : null;
  return processes === 4 || form === 'cycle' ? 0.8 : 0.7;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5);
  const directory = mkdtempSync(join(tmpdir(), 'flatmachine-bench-'));
  let files = 0;
  const targets: string[] = [];
  for (const level of ['power-loss', 'process-crash'] as const) {
    for (const processes of [1, 4]) {
      for (const form of ['cycle', 1, 10] as const) {
        const units = COUNTS[level] * (form === 10 ? 3 : 1);
        const contender = (who: 'raw' | 'ours') => () =>
          timed(
            { who, file: join(directory, `${files++}.db`), level, form, cycles: units / processes },
            processes,
            units,
          );
        const what = form === 'cycle' ? 'push + claim + complete' : `drain, ${form} at a time`;
        const title = `SQLite, ${level}, ${processes} process${processes === 1 ? '' : 'es'}, ${what}`;
        const [, ratio = 0] = await compare(
          title,
          units,
          [
            ['raw', contender('raw')],
            ['ours', contender('ours')],
          ],
          rounds,
        );
        const target = targetOf(level, processes, form);
        if (target === null) continue;
        const verdict = ratio >= target ? 'ok   ' : 'BELOW';
        targets.push(`${verdict} ${(ratio * 100).toFixed(0)} % of raw (target ${target * 100} %): ${title}`);
      }
    }
  }
  console.log(`\n${targets.join('\n')}`);
  console.log(`smallest share of one of four processes: ${smallestShare.toFixed(0)} % of an equal one`);
  const [few, many] = [await latencies(1000, directory), await latencies(1_000_000, directory)];
  console.log(
    `claim among 1,000 pending ${few.toFixed(3)} ms, among 1,000,000 ${many.toFixed(3)} ms: ${(many / few).toFixed(2)} × (target 2)`,
  );
  rmSync(directory, { recursive: true });
}

/** One of several processes. */
async function child(task: Task): Promise<void> {
  const finished = await runTask(task, () => {
    process.stdout.write('ready\n');
    return once(process.stdin, 'data');
  });
  process.stdout.write(`${finished}\n`);
  process.stdin.unref();
}

if (process.argv[2]?.startsWith('{')) await child(JSON.parse(process.argv[2]) as Task);
else await main();
