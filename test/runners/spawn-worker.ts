import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import type { EnvironmentSpec, ExecRequest, ExecResult } from '../../src/runners/interfaces.ts';
import type { WorkerReply, WorkerRequest } from './worker.ts';

/** A process that holds an environment; see `worker.ts`. */
export interface Worker {
  /** Calls a method of the environment there; rejects with an error whose message is the code of the one there. */
  call(method: WorkerRequest['method'], ...args: unknown[]): Promise<unknown>;
  exec(request: ExecRequest): Promise<ExecResult>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves once the process is dead, by SIGKILL, and reaped. */
  kill(): Promise<void>;
  /** Resolves with the signal that the process died by. */
  died: Promise<NodeJS.Signals | null>;
}

let directory = '';
const running = new Set<ChildProcess>();

/** Bundles the worker before the tests of a file, and ends every worker after each. */
export function useWorkers(): void {
  beforeAll(async () => {
    // Inside the package, where the bundle finds what the sources find.
    directory = mkdtempSync(join(packageRoot(), 'node_modules', '.runner-worker-'));
    await build({
      entryPoints: [join(packageRoot(), 'test', 'runners', 'worker.ts')],
      outfile: join(directory, 'worker.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
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

/**
 * Starts one, which creates or adopts the environment, and waits until it has.
 * @param crashAt a crash point, with `#N` for its N-th passing
 */
export async function startWorker(
  runner: string,
  stateDir: string,
  spec: EnvironmentSpec,
  crashAt?: string,
): Promise<Worker> {
  const child = spawn(
    process.execPath,
    [join(directory, 'worker.mjs'), runner, stateDir, JSON.stringify(spec)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...(crashAt === undefined ? {} : { FLATMACHINE_CRASH_AT: crashAt }) },
    },
  );
  running.add(child);
  child.stdin.on('error', () => {
    // It may be dead already; `died` says so.
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  const died = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('exit', (_code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error('the worker is dead'));
      resolve(signal);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.on('exit', (code, signal) => reject(new Error(`the worker ended: ${code ?? signal}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as WorkerReply;
      if ('ready' in reply) resolve();
      else if ('code' in reply) waiting.get(reply.id)?.reject(new Error(reply.code));
      else waiting.get(reply.id)?.resolve(reply.value);
    });
  });

  const call = (method: WorkerRequest['method'], ...args: unknown[]) => {
    const id = ++calls;
    const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
    answer.catch(() => {
      // Whoever kills the worker does not wait for its answers.
    });
    child.stdin.write(`${JSON.stringify({ id, method, args } satisfies WorkerRequest)}\n`);
    return answer;
  };
  return {
    call,
    exec: (request) => call('exec', request) as Promise<ExecResult>,
    signal: (name) => child.kill(name),
    kill: () => end(child),
    died,
  };
}
