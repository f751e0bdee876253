import { type ChildProcess, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Availability } from '../components.ts';
import { endProcess, freePort, startProcess, type TestServer } from './process.ts';

/** Where Debian puts each version's programs. */
const VERSIONS = '/usr/lib/postgresql';

/** The newest installed version's programs, or null. */
function programs(): string | null {
  if (!existsSync(VERSIONS)) return null;
  const versions = readdirSync(VERSIONS).filter((name) =>
    existsSync(join(VERSIONS, name, 'bin', 'postgres')),
  );
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : join(VERSIONS, newest, 'bin');
}

/** Whether a PostgreSQL server is installed. */
export function postgresAvailability(): Availability {
  const bin = programs();
  return bin === null
    ? { available: false, detail: 'no PostgreSQL server is installed' }
    : { available: true, detail: bin };
}

/** Its server refuses to run as root: the account that Debian's package makes. */
function account(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

/** Starts a PostgreSQL. @param durable false leaves fsync out, which is fast; a killed server keeps its data either way */
export async function startPostgres(durable = false): Promise<TestServer> {
  const bin = programs();
  if (bin === null) throw new Error('no PostgreSQL server is installed');
  const directory = mkdtempSync(join(tmpdir(), 'fm-pg-'));
  const as = account();
  if ('uid' in as) chownSync(directory, as.uid, as.gid);
  const data = join(directory, 'data');
  const initdb = [
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    'postgres',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale',
    'C.UTF-8',
  ];
  const made = spawnSync(join(bin, 'initdb'), initdb, { ...as, cwd: directory, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: directory,
    max_connections: 100,
  };
  const quick = durable ? {} : { fsync: 'off', full_page_writes: 'off' };
  const command = [join(bin, 'postgres'), '-D', data];
  for (const [name, value] of Object.entries({ ...settings, ...quick }))
    command.push('-c', `${name}=${value}`);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child: ChildProcess;
  const start = async () => {
    child = await startProcess(command, () => isUp(url), { cwd: directory, ...as });
  };
  await start();
  return {
    url,
    port,
    start,
    // What it calls fast shutdown, or the death of the postmaster and so of all its children.
    stop: (signal) => endProcess(child, signal === 'SIGTERM' ? 'SIGINT' : signal),
    async dispose() {
      await endProcess(child, 'SIGQUIT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function isUp(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {
    // It went away again: the next try says so.
  });
  try {
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
    return true;
  } catch {
    return false;
  }
}
