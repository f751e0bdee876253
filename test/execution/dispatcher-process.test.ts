import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { cli, directoryWith, startCli } from '../helpers/cli.ts';

const PARKED = 10_000;

const WAITER = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: waiter
  hooks: { file: ./note.mjs, class: Note }
  states:
    wait:
      type: initial
      wait_for: "{{ input.channel }}"
      timeout: 86400
      transitions: [{ to: note }]
    note: { action: note, transitions: [{ to: done }] }
    done: { type: final }
`;

const NOTE = `import { appendFileSync } from 'node:fs';
export class Note {
  onAction(_action, _context, { executionId }) {
    appendFileSync('noted.txt', executionId + '\\n');
    return { output: null };
  }
}
`;

let cwd: string;
let store: BackendSet;

beforeAll(async () => {
  cwd = directoryWith({ 'waiter.yml': WAITER, 'note.mjs': NOTE });
  store = await openBackends(`sqlite:${join(cwd, '.flatmachine', 'flatmachine.db')}`);
  const machine = await FlatMachine.load(join(cwd, 'waiter.yml'), { backend: store });
  for (let at = 0; at < PARKED; at += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => machine.execute({ channel: `c${at + i}` }, { id: `w${at + i}` })),
    );
  }
  for (let i = 0; i < 200; i++) await machine.execute({ channel: 'all' }, { id: `all-${i}` });
});
afterAll(async () => {
  await store.close();
  rmSync(cwd, { recursive: true, force: true });
});

describe('ten thousand parked machines', () => {
  it('cost a worker little memory, and a signal resumes its machine at once', async () => {
    const { child, saw, ended } = await startCli(['worker', '--signals'], { cwd });
    await saw(/resuming what is ready/);
    await sleep(300);
    const latencies: number[] = [];
    for (let i = 0; i < 15; i++) {
      const n = 4000 + i * 311;
      const begun = performance.now();
      await store.signals.send(`c${n}`, null);
      while ((await store.persistence.latest(`w${n}`))?.status !== 'completed') await sleep(1);
      latencies.push(performance.now() - begun);
    }
    const rss = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    // The first one loads the machine.
    const median = latencies.slice(1).sort((a, b) => a - b)[7] as number;
    expect(median).toBeLessThan(50);
    expect(rss).toBeLessThan(150);
    expect(await store.signals.waits()).toHaveLength(PARKED + 200 - 15);
  });

  it('are shared by workers: each is resumed by one of them', async () => {
    await store.signals.send('all', null);
    const args = ['worker', '--signals', '--once', '--quiet'];
    const workers = await Promise.all([1, 2, 3].map(() => cli(args, { cwd })));
    expect(workers.map(({ code }) => code)).toEqual([0, 0, 0]);
    const noted = readFileSync(join(cwd, 'noted.txt'), 'utf8').split('\n');
    const all = noted.filter((id) => id.startsWith('all-'));
    expect(new Set(all).size).toBe(200);
    expect(all).toHaveLength(200);
  });
});
