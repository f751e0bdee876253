import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { BackendOptions } from '../../src/backends/interfaces.ts';

/** A process with the store open; see `worker.ts`. */
export interface Worker {
  readonly pid: number;
  /** Steps that `saveForEver` was told are stored. */
  readonly acknowledged: readonly number[];
  /** Calls a method there; rejects with an error whose message is the code of the one there. */
  call(role: string, method: string, ...args: unknown[]): Promise<unknown>;
  /** Resolves once the process is dead and reaped. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = join(here, '..', '..', 'node_modules');
let directory = '';
const running = new Set<ChildProcess>();

/** Bundles the worker before the tests of a file, and ends every worker after each. */
export function useWorkers(): void {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'flatmachine-worker-'));
    await build({
      entryPoints: [join(here, 'worker.ts')],
      outfile: join(directory, 'worker.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      // Only a process that tells OpenTelemetry looks for the package's files.
      logOverride: { 'empty-import-meta': 'silent' },
      packages: 'external',
    });
  });
  afterEach(async () => {
    await Promise.all([...running].map(end));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Starts one and waits until its store is open. */
export async function startWorker(url: string, options: BackendOptions = {}): Promise<Worker> {
  const child = spawn(process.execPath, [join(directory, 'worker.cjs'), url, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_PATH: modules },
  });
  running.add(child);
  child.stdin?.on('error', () => {
    // It may be killed before it has read everything.
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const acknowledged: number[] = [];
  let calls = 0;

  const ready = new Promise<void>((resolve, reject) => {
    child.on('exit', (code, signal) => reject(new Error(`the worker ended: ${code ?? signal}`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const message = JSON.parse(line) as {
        id?: number;
        code?: string;
        value?: unknown;
        acknowledged?: number;
      };
      if (message.acknowledged !== undefined) acknowledged.push(message.acknowledged);
      else if (message.id === undefined) resolve();
      else if (message.code !== undefined) waiting.get(message.id)?.reject(new Error(message.code));
      else waiting.get(message.id)?.resolve(message.value);
    });
  });
  await ready;

  return {
    pid: child.pid as number,
    acknowledged,
    call(role, method, ...args) {
      const id = ++calls;
      child.stdin?.write(`${JSON.stringify({ id, role, method, args })}\n`);
      const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
      // A test looks at several answers one after the other: one refused meanwhile is not unhandled.
      answer.catch(() => {});
      return answer;
    },
    async kill(signal) {
      if (signal === 'SIGKILL') await end(child);
      else child.kill(signal);
    },
  };
}
