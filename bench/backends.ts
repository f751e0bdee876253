// Durable steps per second of the SQLite store against raw better-sqlite3 with rows of the same shape, and of the memory store.
// Medians of interleaved rounds. `node bench/run.mjs bench/backends.ts [rounds]`
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openBackends } from '../src/backends/open.ts';
import { median } from './measure.ts';
import { CONTEXT, fenceOf, saveSteps, snapshotOf } from './steps.ts';

type Level = 'power-loss' | 'process-crash';

const ROUNDS = Number(process.argv[2] ?? 5);
const STEPS = { 'power-loss': 3000, 'process-crash': 15_000, grouped: 40_000, memory: 300_000 };
const directory = mkdtempSync(join(tmpdir(), 'flatmachine-bench-'));
let files = 0;

function newFile(): string {
  return join(directory, `${files++}.db`);
}

function rate(count: number, start: number): number {
  return count / ((performance.now() - start) / 1000);
}

/** What SQLite itself can do: one INSERT per step, `group` of them per transaction. */
function raw(level: Level, steps: number, group: number): number {
  const db = new Database(newFile());
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${level === 'power-loss' ? 'FULL' : 'NORMAL'}`);
  db.exec(`CREATE TABLE steps (id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, step INTEGER NOT NULL, origin INTEGER NOT NULL,
    created_at TEXT NOT NULL, state TEXT NOT NULL, checksum INTEGER NOT NULL, body TEXT NOT NULL, events TEXT, UNIQUE (execution, step))`);
  const insert = db.prepare(
    'INSERT INTO steps (execution, step, origin, created_at, state, checksum, body, events) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertGroup = db.transaction((first: number) => {
    for (let i = 0; i < group; i++) put(i, first / group);
  });
  const put = (execution: number, step: number) => {
    const { input: _, execution_id: __, created_at, ...rest } = snapshotOf('raw', step);
    insert.run(execution, step, 1, created_at, 'loop', step, JSON.stringify(rest), null);
  };
  const start = performance.now();
  for (let step = 0; step < steps; step += group) {
    if (group === 1) put(0, step);
    else insertGroup.immediate(step);
  }
  const result = rate(steps, start);
  db.close();
  return result;
}

async function ours(url: string, steps: number, executions: number): Promise<number> {
  const set = await openBackends(url);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: executions }, async (_, n) =>
      saveSteps(set, await fenceOf(set, `run-${n}`), steps / executions),
    ),
  );
  const result = rate(steps, start);
  await set.close();
  return result;
}

function sqlite(level: Level): string {
  return `sqlite:${newFile()}?durability=${level}`;
}

async function compare(
  name: string,
  target: number,
  limit: () => number,
  subject: () => Promise<number>,
): Promise<void> {
  const limits: number[] = [];
  const subjects: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    limits.push(limit());
    subjects.push(await subject());
  }
  const ratio = median(subjects) / median(limits);
  const verdict = ratio >= target ? 'ok' : 'BELOW';
  const figures = `${Math.round(median(subjects))} of ${Math.round(median(limits))} steps/s`;
  console.log(
    `${name.padEnd(44)} ${figures.padEnd(28)} ${(ratio * 100).toFixed(0)} % (target ${target * 100} %) ${verdict}`,
  );
}

async function sizeAndLoad(): Promise<void> {
  const steps = 10_000;
  const file = newFile();
  const set = await openBackends(`sqlite:${file}?durability=process-crash`);
  await saveSteps(set, await fenceOf(set, 'job'), steps, Number.POSITIVE_INFINITY);
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const start = performance.now();
    await set.persistence.latest('job');
    times.push(performance.now() - start);
  }
  await set.close();
  const state = JSON.stringify(CONTEXT).length;
  const perStep = statSync(file).size / steps;
  console.log(
    `bytes on disk per step, state of ${state} bytes     ${perStep.toFixed(0)} = ${(perStep / state).toFixed(2)} × (target ≤ 1.5)`,
  );
  console.log(
    `latest() with ${steps} steps                    ${median(times).toFixed(3)} ms (target ≤ 0.2)`,
  );
}

console.log(`SQLite through better-sqlite3, Node ${process.version}, 1 KB state, medians of ${ROUNDS}`);
await compare(
  'power-loss, 1 execution',
  0.8,
  () => raw('power-loss', STEPS['power-loss'], 1),
  () => ours(sqlite('power-loss'), STEPS['power-loss'], 1),
);
await compare(
  'process-crash, 1 execution',
  0.5,
  () => raw('process-crash', STEPS['process-crash'], 1),
  () => ours(sqlite('process-crash'), STEPS['process-crash'], 1),
);
await compare(
  'power-loss, 100 executions, grouped',
  0.5,
  () => raw('power-loss', STEPS.grouped, 100),
  () => ours(sqlite('power-loss'), STEPS.grouped, 100),
);
await compare(
  'process-crash, 100 executions, grouped',
  0.5,
  () => raw('process-crash', STEPS.grouped, 100),
  () => ours(sqlite('process-crash'), STEPS.grouped, 100),
);
const memory: number[] = [];
for (let round = 0; round < ROUNDS; round++) memory.push(await ours('memory:', STEPS.memory, 1));
console.log(`memory, 1 execution                            ${Math.round(median(memory))} saves/s`);
await sizeAndLoad();
if (readdirSync(directory).length > 0) rmSync(directory, { recursive: true });
