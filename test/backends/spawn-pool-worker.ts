import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { PoolWorkerOptions, Said } from './pool-worker.ts';

/** A process that works on a pool; see `pool-worker.ts`. */
export interface PoolWorkerProcess {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: Said[];
  /** Resolves when it is dead, with its exit code, or null for a signal. */
  readonly ended: Promise<number | null>;
  /** Lets it begin. */
  go(): void;
}

const here = fileURLToPath(new URL('.', import.meta.url));
let directory = '';
const running = new Set<PoolWorkerProcess>();

/** Bundles the worker before the tests of a file, and ends every one after each. */
export function usePoolWorkers(): void {
  beforeAll(async () => {
    // Inside the project, so that its packages are found.
    directory = mkdtempSync(join(here, '..', '..', 'node_modules', '.pool-worker-'));
    await build({
      entryPoints: [join(here, 'pool-worker.ts')],
      outfile: join(directory, 'pool-worker.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
  });
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all([...running].map(({ ended }) => ended));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
}

/** Starts one and waits until its store is open. */
export async function startPoolWorker(url: string, options: PoolWorkerOptions): Promise<PoolWorkerProcess> {
  const child = spawn(process.execPath, [join(directory, 'pool-worker.mjs'), url, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said: Said[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const ready = once(lines, 'line');
  lines.on('line', (line) => {
    // A process that is killed may leave half a line.
    if (line.endsWith('}')) said.push(JSON.parse(line) as Said);
  });
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(([[code]]) => code);
  const worker = { child, said, ended, go: () => void child.stdin?.write('go\n') };
  running.add(worker);
  void ended.then(() => running.delete(worker));
  await Promise.race([ready, ended]);
  return worker;
}
