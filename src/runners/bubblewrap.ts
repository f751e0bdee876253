import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { FlatMachineError, toError } from '../errors.ts';
import {
  BOX_DATA,
  BOX_GROUP,
  BOX_PASSWD,
  BOX_SUPERVISOR,
  bubblewrapArguments,
  isolationArguments,
} from './bubblewrap-arguments.ts';
import { makeControl, openFifoChannel } from './host/fifo-channel.ts';
import { exclusively } from './host/lock.ts';
import { marker } from './host/marker.ts';
import { identify, isAlive, killMarked, type ProcessIdentity } from './host/processes.ts';
import { findProgram } from './host/programs.ts';
import { type EnvironmentRecord, HostStore } from './host/store.ts';
import type { RunnerFactory } from './interfaces.ts';
import type { Box } from './supervisor/box.ts';
import { SupervisedEnvironment } from './supervisor/environment.ts';
import { removeArchive } from './supervisor/remove-archive.ts';

const run = promisify(execFile);
const START_MS = 10_000;
const REMEDY = 'Install bubblewrap (`apt-get install bubblewrap`), and allow user namespaces to be made.';

/**
 * Runs commands in namespaces of their own (user, pid, ipc, uts, mount, cgroup, and network unless `network: host`) made by
 * bwrap, with no capabilities, the system read-only and nothing else of this machine in sight. Needs no privileges. What
 * cannot be kept apart makes creation fail.
 */
const bubblewrap: RunnerFactory = ({ stateDir }) => {
  const store = new HostStore(stateDir, 'bubblewrap');

  const destroy = async (id: string) => {
    const directory = store.directory(id);
    await killMarked(marker(directory), directory);
    await store.remove(id);
  };

  return {
    name: 'bubblewrap',
    capabilities: {
      isolation: 'namespaces',
      freeze: ['workspace'],
      limits: [],
      network: ['none', 'host'],
      images: false,
      remote: false,
      sharedFiles: true,
    },
    async probe() {
      const program = findProgram('bwrap');
      if (program === null) return { available: false, detail: 'bwrap is not on the PATH', remedy: REMEDY };
      try {
        await run(program, [...isolationArguments('none'), '--ro-bind', '/', '/', 'true'], {
          timeout: START_MS,
        });
        const { stdout } = await run(program, ['--version']);
        return { available: true, detail: `${stdout.trim()} at ${program}` };
      } catch (thrown) {
        return {
          available: false,
          detail: `bwrap cannot make namespaces: ${toError(thrown).message}`,
          remedy: REMEDY,
        };
      }
    },
    async create(spec) {
      await store.record(spec);
      const record = {
        id: spec.id,
        labels: spec.labels,
        env: spec.env ?? {},
        network: spec.network ?? 'none',
      };
      const directory = store.directory(spec.id);
      const environment = new SupervisedEnvironment(bubblewrapBox(store, record, destroy));
      try {
        await exclusively(join(directory, 'lock'), async () => {
          if (!(await boxAlive(directory))) await startBox(directory, record);
        });
        // bwrap tells its child's number before it is done: only an answer from inside shows that all was set up
        await environment.describe();
        return environment;
      } catch (thrown) {
        const why = await complaint(directory).catch(() => '');
        await environment.destroy();
        throw new FlatMachineError(
          'create-failed',
          `bwrap could not make ${spec.id}: ${toError(thrown).message} ${why}`.trim(),
          {
            cause: thrown,
            remedy: REMEDY,
          },
        );
      }
    },
    async attach(id) {
      const record = await store.find(id);
      if (record === null || !(await boxAlive(store.directory(id)))) return null;
      return new SupervisedEnvironment(bubblewrapBox(store, record, destroy));
    },
    async list(labels) {
      const found = await store.list(labels);
      return Promise.all(
        found.map(async (record) => ({
          id: record.id,
          labels: record.labels,
          running: await boxAlive(store.directory(record.id)),
        })),
      );
    },
    destroy,
    removeSnapshot: ({ reference }) => removeArchive(store.snapshotDir, reference),
  };
};

function bubblewrapBox(
  store: HostStore,
  record: EnvironmentRecord,
  destroy: (id: string) => Promise<void>,
): Box {
  const directory = store.directory(record.id);
  const alive = () => boxAlive(directory);
  return {
    id: record.id,
    runner: 'bubblewrap',
    address: directory,
    dataDir: BOX_DATA,
    supervisorDir: BOX_SUPERVISOR,
    env: record.env,
    snapshotDir: store.snapshotDir,
    openChannel: async () => {
      if (!(await alive())) throw new Error('the box does not run');
      return openFifoChannel(join(directory, 'channels'));
    },
    alive,
    facts: async () => ({ isolation: 'namespaces', network: record.network ?? 'none' }),
    destroy: () => destroy(record.id),
  };
}

/** Starts the box's first process, detached from this one, and records which it is. */
async function startBox(directory: string, record: EnvironmentRecord): Promise<void> {
  const program = findProgram('bwrap');
  if (program === null) throw new Error('bwrap is not on the PATH');
  // what a crash left between starting a box and recording it
  await killMarked(marker(directory), directory);
  for (const name of ['supervisor', 'data', 'channels'])
    await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, 'passwd'), BOX_PASSWD);
  await writeFile(join(directory, 'group'), BOX_GROUP);
  await rm(join(directory, 'supervisor', 'sessions'), { recursive: true, force: true });
  await makeControl(join(directory, 'channels'));
  const log = await open(join(directory, 'bwrap.log'), 'w');
  const child = spawn(program, bubblewrapArguments(directory, record), {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', log.fd, 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', FLATMACHINE_ENVIRONMENT: marker(directory) },
  });
  child.unref();
  await log.close();
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    const identity = await firstProcess(child);
    if (identity === null) throw new Error(await complaint(directory));
    await writeFile(join(directory, 'pid'), JSON.stringify(identity));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Which process is the box's first, as bwrap tells it; null when bwrap ended instead. Its end of the pipe may stay open for as long as the box
 * lives, so what it says is taken as soon as it is whole — and not before: bwrap writes it piece by piece, and a pipe closed too early kills it.
 */
async function firstProcess(child: ChildProcess): Promise<ProcessIdentity | null> {
  const info = child.stdio[3] as Readable;
  let told = '';
  const pid = new Promise<string | null>((resolve, reject) => {
    child.once('error', reject);
    info.on('error', reject);
    info.on('end', () => resolve(null));
    info.setEncoding('utf8').on('data', (piece: string) => {
      told += piece;
      const found = /"child-pid":\s*(\d+)[^}]*\}/.exec(told);
      if (found) resolve(found[1] as string);
    });
  });
  try {
    const number = await pid;
    return number === null ? null : await identify(Number(number));
  } finally {
    info.destroy();
  }
}

async function complaint(directory: string): Promise<string> {
  const log = await readFile(join(directory, 'bwrap.log'), 'utf8');
  return log.trim() || 'bwrap ended at once';
}

async function boxAlive(directory: string): Promise<boolean> {
  const text = await readFile(join(directory, 'pid'), 'utf8').catch(() => null);
  return text !== null && text !== '' && isAlive(JSON.parse(text) as ProcessIdentity);
}

export default bubblewrap;
