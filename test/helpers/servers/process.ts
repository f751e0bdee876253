import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that a test has started for itself. */
export interface TestServer {
  /** As a backend's URL. */
  url: string;
  port: number;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** Ends it: `SIGTERM` lets it tidy up, `SIGKILL` does not. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Ends it for good and removes its data. */
  dispose(): Promise<void>;
}

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Starts a process and waits until `up` says that it answers. @throws when it ends before, or after 30 s, with what it wrote */
export async function startProcess(
  command: readonly string[],
  up: () => Promise<boolean>,
  options: { cwd: string; uid?: number; gid?: number },
): Promise<ChildProcess> {
  const child = spawn(command[0] as string, command.slice(1), {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4000);
    });
  }
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const deadline = performance.now() + 30_000;
  while (!(await Promise.race([up(), failed]))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${command[0]} did not start: ${said}`);
    }
    await sleep(20);
  }
  return child;
}

/** Sends a signal and waits for the end; a server that takes more than 20 s is killed. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}
