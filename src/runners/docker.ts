import { join, resolve } from 'node:path';
import { FlatMachineError, toError } from '../errors.ts';
import type { JsonObject } from '../types.ts';
import { openChannel } from './docker/channel.ts';
import { BOUNDS, DockerClient } from './docker/client.ts';
import { containerName, DATA_DIR, recordOn, SUPERVISOR_DIR } from './docker/container.ts';
import { Containers, type RunningContainer } from './docker/containers.ts';
import { commitContainer, removeImage } from './docker/images.ts';
import type { Environment, EnvironmentSpec, RunnerFactory } from './interfaces.ts';
import type { Box } from './supervisor/box.ts';
import { SupervisedEnvironment } from './supervisor/environment.ts';
import { removeArchive } from './supervisor/remove-archive.ts';

const NO_IMAGE = 'Name one: `--input \'{"image": "busybox"}\'`, or `image` among the arguments of the hooks.';

/**
 * Makes each environment a container of a Docker daemon, which may be on another machine. Setting `socket`: path of the daemon's
 * socket; else DOCKER_HOST (`unix://`, `tcp://`), else /var/run/docker.sock.
 * @throws FlatMachineError `usage` when that setting is no path
 */
const docker: RunnerFactory = ({ stateDir, settings = {} }) => {
  const { socket } = settings;
  if (socket !== undefined && typeof socket !== 'string') {
    throw new FlatMachineError('usage', 'the setting `socket` of the runner docker is not a path');
  }
  const client = new DockerClient(socket);
  const containers = new Containers(client);
  const snapshotDir = join(resolve(stateDir), 'snapshots');

  const environment = (id: string, found: RunningContainer, env: Record<string, string>): Environment =>
    new SupervisedEnvironment(dockerBox(id, found, env));

  return {
    name: 'docker',
    capabilities: {
      isolation: 'container',
      freeze: ['filesystem', 'workspace'],
      limits: ['memory', 'cpus', 'pids'],
      network: ['none', 'bridge', 'host'],
      images: true,
      remote: true,
      sharedFiles: false,
    },
    async probe() {
      try {
        const { Version, ApiVersion } = await client.call('say its version', BOUNDS.probe, (daemon) =>
          daemon.version(),
        );
        return { available: true, detail: `Docker ${Version} (API ${ApiVersion}) at ${client.place}` };
      } catch (thrown) {
        const remedy = thrown instanceof FlatMachineError ? { remedy: thrown.remedy } : {};
        return { available: false, detail: toError(thrown).message, ...remedy };
      }
    },
    async create(spec: EnvironmentSpec) {
      const { image } = spec;
      containerName(spec.id);
      if (image === undefined || image === '') {
        throw new FlatMachineError(
          'usage',
          'the runner docker makes environments from an image, and none is given',
          {
            remedy: NO_IMAGE,
          },
        );
      }
      return environment(spec.id, await containers.create({ ...spec, image }), spec.env ?? {});
    },
    async attach(id) {
      const found = await containers.inspect(containerName(id));
      const record = found && recordOn(found.Config.Labels, found.Name);
      return found?.State.Running && record ? environment(id, { container: found.Id }, record.env) : null;
    },
    list: (labels) => containers.list(labels),
    destroy: (id) => containers.destroy(id),
    removeSnapshot: ({ level, reference }) =>
      level === 'filesystem' ? removeImage(client, reference) : removeArchive(snapshotDir, reference),
  };

  function dockerBox(id: string, { container, first }: RunningContainer, env: Record<string, string>): Box {
    let waiting = first;
    return {
      id,
      runner: 'docker',
      address: container,
      dataDir: DATA_DIR,
      supervisorDir: SUPERVISOR_DIR,
      env,
      snapshotDir,
      openChannel: async () => {
        const channel = waiting;
        waiting = undefined;
        if (channel === undefined || channel.stdin.destroyed) return openChannel(client, container, id);
        channel.stdin.ref();
        return channel;
      },
      alive: async () => (await containers.inspect(container))?.State.Running === true,
      freezeFilesystem: (name) => commitContainer(client, container, name, stateDir),
      facts: () => facts(container),
      destroy: () => containers.destroy(id),
    };
  }

  async function facts(container: string): Promise<JsonObject> {
    const found = await containers.inspect(container);
    if (found === null) throw new FlatMachineError('sandbox-lost', `container ${container} is gone`);
    const { Memory = 0, NanoCpus = 0, PidsLimit, NetworkMode } = found.HostConfig;
    return {
      isolation: 'container',
      daemon: client.place,
      container: found.Name.slice(1),
      image: found.Config.Image,
      image_id: found.Image,
      user: 'root',
      network: NetworkMode ?? null,
      limits: { memory: Memory || null, cpus: NanoCpus / 1e9 || null, pids: PidsLimit ?? null },
    };
  }
};

export default docker;
