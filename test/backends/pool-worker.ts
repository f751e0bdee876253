// A process that works on a pool: `node pool-worker.js URL OPTIONS`. It says `ready`, begins once it is told `go`, and tells what it has claimed and completed.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, ClaimedItem, Finish, WorkPool } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';

/** How it works. */
export interface PoolWorkerOptions {
  pool: string;
  worker: string;
  /** Items at a time. */
  concurrency: number;
  /** Milliseconds of a claim; it is renewed at a third of it. */
  lease: number;
  /** Milliseconds that an item takes. */
  work: number;
}

/** What an item asks of it: `deadly` kills the process. */
export interface Job {
  n: number;
  deadly?: boolean;
}

/** A line of what it says. `done` is said once the store has answered; `mark` is in the item's result. */
export type Said =
  | { ready: true }
  | { claimed: string; attempts: number }
  | { done: string; mark: string }
  | { lost: string };

function say(message: Said): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function work({ data, id }: ClaimedItem, milliseconds: number): Promise<Finish> {
  if ((data as unknown as Job).deadly) process.kill(process.pid, 'SIGKILL');
  if (milliseconds > 0) await sleep(milliseconds);
  return { id, status: 'done', result: randomUUID() };
}

/** Resolves when something may be claimable, or a second later. */
async function changed(pool: WorkPool): Promise<void> {
  let stop = () => {};
  const told = new Promise<void>((resolve) => {
    stop = pool.watch(resolve);
  });
  await Promise.race([told, sleep(Math.min((await pool.nextChange()) ?? 1000, 1000))]);
  stop();
}

async function isOver(pool: WorkPool): Promise<boolean> {
  const { pending, delayed, claimed } = await pool.counts();
  return pending + delayed + claimed === 0;
}

async function drain({ work: backend }: BackendSet, options: PoolWorkerOptions): Promise<void> {
  const pool = backend.pool(options.pool);
  const held = new Map<string, ClaimedItem>();
  const beat = setInterval(() => {
    // A renewal that fails is met by whoever ends the item.
    pool.renew([...held.values()], options.lease).catch(() => {});
  }, options.lease / 3);
  let finished: Finish[] = [];
  for (;;) {
    const { claimed, lost } = await pool.exchange(finished, options.worker, options.concurrency, options);
    for (const end of finished) {
      held.delete(end.id);
      if (lost.includes(end.id)) say({ lost: end.id });
      else if (end.status === 'done') say({ done: end.id, mark: String(end.result) });
    }
    for (const item of claimed) {
      held.set(item.id, item);
      say({ claimed: item.id, attempts: item.attempts });
    }
    finished = await Promise.all(claimed.map((item) => work(item, options.work)));
    if (claimed.length > 0) continue;
    if (await isOver(pool)) break;
    await changed(pool);
  }
  clearInterval(beat);
}

async function main(): Promise<void> {
  const [url, options] = process.argv.slice(2) as [string, string];
  const set = await openBackends(url);
  say({ ready: true });
  await once(process.stdin, 'data');
  process.stdin.unref();
  await drain(set, JSON.parse(options) as PoolWorkerOptions);
  await set.close();
}

void main();
