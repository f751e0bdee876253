import { DATA } from '../raw-pools.ts';
import type { Alternatives } from './install.ts';

interface Queue {
  addBulk(jobs: { name: string; data: unknown }[]): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

interface Worker {
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): void;
  close(): Promise<void>;
}

interface BullMq {
  Queue: new (name: string, options: object) => Queue;
  Worker: new (name: string, handler: () => Promise<void>, options: object) => Worker;
}

/** Milliseconds in which a BullMQ worker drains a queue. What is done stays stored, as with us. */
export function bullMq(alternatives: Alternatives, port: number, width: number) {
  const { Queue, Worker } = alternatives.load('bullmq') as BullMq;
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  let serial = 0;
  return async (count: number): Promise<number> => {
    const name = `bull-${serial++}`;
    const queue = new Queue(name, { connection });
    const jobs = Array.from({ length: count }, () => ({ name: 'job', data: DATA }));
    for (let i = 0; i < count; i += 1000) await queue.addBulk(jobs.slice(i, i + 1000));
    let left = count;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const worker = new Worker(name, async () => void (--left === 0 && finish()), {
      connection,
      concurrency: width,
      autorun: false,
    });
    await worker.waitUntilReady();
    const started = performance.now();
    const running = worker.run();
    await finished;
    // Waits until the last ones are stored as done.
    await worker.close();
    const took = performance.now() - started;
    await running;
    await queue.close();
    return took;
  };
}
