import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Availability } from '../components.ts';
import { endProcess, freePort, startProcess, type TestServer } from './process.ts';
import { answers } from './tcp.ts';

/** Whether `redis-server` is installed. */
export function redisAvailability(): Availability {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0
    ? { available: true, detail: stdout.trim() }
    : { available: false, detail: 'redis-server is not installed' };
}

/** Starts a Redis that writes every command to its append-only file before it answers. @param fsync `always` survives power loss, `no` is fast */
export async function startRedis(
  fsync: 'always' | 'everysec' | 'no' = 'no',
  appendonly = true,
): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'fm-redis-'));
  const port = await freePort();
  const command = [
    ...['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''],
    ...['--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', fsync],
  ];
  let child: ChildProcess;
  const start = async () => {
    child = await startProcess(command, () => answers(port, 'PING\r\n', /PONG/), { cwd: directory });
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    start,
    stop: (signal) => endProcess(child, signal),
    async dispose() {
      await endProcess(child, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
