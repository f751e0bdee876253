import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { marker } from './host/marker.ts';
import { killMarked } from './host/processes.ts';
import { HostStore } from './host/store.ts';
import { supervisorShell } from './host/supervisor-shell.ts';
import type { Environment, EnvironmentSpec, RunnerFactory } from './interfaces.ts';
import type { Box } from './supervisor/box.ts';
import type { ChannelStreams } from './supervisor/channel.ts';
import { SupervisedEnvironment } from './supervisor/environment.ts';
import { removeArchive } from './supervisor/remove-archive.ts';
import { supervisorScriptPath } from './supervisor/script.ts';

/**
 * Runs commands as processes of this machine, each environment in a directory of its own. No isolation at all: a command can
 * do whatever this user can.
 */
const local: RunnerFactory = ({ stateDir }) => {
  const store = new HostStore(stateDir, 'local');
  const environment = (id: string, env: Record<string, string>): Environment =>
    new SupervisedEnvironment(localBox(store, id, env));
  const destroy = async (id: string) => {
    await killMarked(marker(store.directory(id)), store.directory(id));
    await store.remove(id);
  };
  return {
    name: 'local',
    capabilities: {
      isolation: 'none',
      freeze: ['workspace'],
      limits: [],
      network: ['host'],
      images: false,
      remote: false,
      sharedFiles: true,
    },
    async probe() {
      return {
        available: true,
        detail: `processes of this machine under ${supervisorShell().join(' ')}, not isolated`,
      };
    },
    async create(spec: EnvironmentSpec) {
      await store.record(spec);
      return environment(spec.id, spec.env ?? {});
    },
    async attach(id) {
      const record = await store.find(id);
      return record && environment(id, record.env);
    },
    async list(labels) {
      const found = await store.list(labels);
      return found.map((record) => ({ id: record.id, labels: record.labels, running: true }));
    },
    destroy,
    removeSnapshot: ({ reference }) => removeArchive(store.snapshotDir, reference),
  };

  function localBox(store: HostStore, id: string, env: Record<string, string>): Box {
    const directory = store.directory(id);
    const supervisorDir = join(directory, 'supervisor');
    const dataDir = join(directory, 'data');
    return {
      id,
      runner: 'local',
      address: directory,
      dataDir,
      supervisorDir,
      env,
      snapshotDir: store.snapshotDir,
      openChannel: async () => {
        // nothing is started for an environment that is being removed: it would be left behind
        if (!(await store.find(id))) throw new Error('the environment is not there');
        const [shell, ...first] = supervisorShell();
        const child = spawn(shell, [...first, supervisorScriptPath(), 'serve', supervisorDir, dataDir, '0'], {
          cwd: directory,
          detached: true,
          stdio: ['pipe', 'pipe', 'pipe'],
          env: {
            PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
            FLATMACHINE_SUPERVISOR: `:${id}:`,
            FLATMACHINE_ENVIRONMENT: marker(directory),
          },
        });
        await once(child, 'spawn');
        return streamsOf(child);
      },
      alive: async () => (await store.find(id)) !== null,
      facts: async () => ({ isolation: 'none', shell: supervisorShell().join(' ') }),
      destroy: () => destroy(id),
    };
  }
};

function streamsOf(child: ChildProcessWithoutNullStreams): ChannelStreams {
  const { stdin, stdout, stderr } = child;
  return {
    stdin,
    stdout,
    stderr,
    close: () => {
      stdin.end();
      stdout.destroy();
      stderr.destroy();
      child.unref();
    },
  };
}

export default local;
