import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { FlatMachineError } from '../../errors.ts';
import type { EnvironmentInfo, EnvironmentSpec } from '../interfaces.ts';
import { type DockerChannel, openChannel } from './channel.ts';
import { BOUNDS, type DockerClient, isRefusal, reasonOf } from './client.ts';
import { containerName, containerOptions, ID_LABEL, recordOn } from './container.ts';
import { Frames } from './frames.ts';
import { pullImage } from './images.ts';

const POLL_MS = 50;
const LOG_LINES = 5;

/** A container that runs. */
export interface RunningContainer {
  readonly container: string;
  /** The channel by which a container that was just started has shown that it works; nobody waits for it yet. */
  readonly first?: DockerChannel;
}

/** The containers of one daemon that are environments. */
export class Containers {
  readonly #client: DockerClient;

  constructor(client: DockerClient) {
    this.#client = client;
  }

  /** A container by name or id, or null. */
  inspect(container: string): Promise<Docker.ContainerInspectInfo | null> {
    return this.#client.call('look for a container', BOUNDS.read, async (docker, abortSignal) => {
      try {
        return await docker.getContainer(container).inspect({ abortSignal });
      } catch (thrown) {
        if (isRefusal(thrown, 404)) return null;
        throw thrown;
      }
    });
  }

  /** Those that carry all of these labels, dead or alive. */
  async list(labels: Record<string, string>): Promise<EnvironmentInfo[]> {
    const label = [ID_LABEL, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
    const found = await this.#client.call('list containers', BOUNDS.read, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { label }, abortSignal }),
    );
    return found.flatMap(({ Labels, Names, State }) => {
      const record = recordOn(Labels, Names[0] ?? '');
      return record === null
        ? []
        : [{ id: record.id, labels: record.labels, running: State === 'running' || State === 'paused' }];
    });
  }

  /**
   * Makes and starts the environment's container, or finds it; an image that is not there is pulled.
   * @throws FlatMachineError `create-failed`; nothing that was made here is left
   */
  async create(spec: EnvironmentSpec & { image: string }): Promise<RunningContainer> {
    const options = containerOptions(spec);
    let giveUpAt = performance.now() + BOUNDS.change;
    let pulled = false;
    while (performance.now() < giveUpAt) {
      try {
        const container = await this.#client.call(
          'create a container',
          BOUNDS.change,
          (docker, abortSignal) => docker.createContainer({ ...options, abortSignal }),
        );
        return await this.#start(spec, container.id);
      } catch (thrown) {
        if (isRefusal(thrown, 409)) {
          const adopted = await this.#adopt(spec);
          if (adopted !== null) return adopted;
          await sleep(POLL_MS);
        } else if (isRefusal(thrown, 404) && !pulled) {
          await pullImage(this.#client, spec.image);
          pulled = true;
          giveUpAt = performance.now() + BOUNDS.change;
        } else if (isRefusal(thrown)) throw createFailed(spec, reasonOf(thrown), thrown);
        else throw thrown;
      }
    }
    throw createFailed(spec, `${containerName(spec.id)} is being removed and does not go`);
  }

  /** Starts a container that was made and never started, and waits until its supervisor serves; when that fails, it is removed. */
  async #start(spec: EnvironmentSpec, container: string): Promise<RunningContainer> {
    try {
      await this.#client.call('start a container', BOUNDS.change, (docker, abortSignal) =>
        docker
          .getContainer(container)
          .start({ abortSignal })
          .catch((thrown: unknown) => {
            // somebody else was quicker
            if (!isRefusal(thrown, 304)) throw thrown;
          }),
      );
      const first = await openChannel(this.#client, container, spec.id);
      first.stdin.unref();
      return { container, first };
    } catch (thrown) {
      const said = await this.#said(container);
      await this.#remove(container).catch((failure: unknown) => {
        throw createFailed(spec, `${reasonOf(thrown)}; and it is left behind: ${reasonOf(failure)}`, thrown);
      });
      throw createFailed(
        spec,
        said === '' ? reasonOf(thrown) : `${reasonOf(thrown)}; it said: ${said}`,
        thrown,
      );
    }
  }

  /** The last that a container has said, as far as that can be had: it is only told beside what went wrong. */
  async #said(container: string): Promise<string> {
    let text = '';
    const frames = new Frames((_, piece) => {
      text += piece.toString('utf8');
    });
    try {
      await this.#client.call('read a log', BOUNDS.read, async (docker, abortSignal) => {
        const log = { stdout: true, stderr: true, tail: LOG_LINES, abortSignal };
        frames.take(await docker.getContainer(container).logs({ ...log, follow: false }));
      });
    } catch {
      return '';
    }
    return text.trim();
  }

  /** The container that has the environment's name already; null when it is on its way out. */
  async #adopt(spec: EnvironmentSpec): Promise<RunningContainer | null> {
    const name = containerName(spec.id);
    const found = await this.inspect(name);
    if (found === null || found.State.Status === 'removing') return null;
    if (recordOn(found.Config.Labels, found.Name) === null) {
      throw createFailed(spec, `a container ${name} is there that is no environment`);
    }
    if (found.State.Running) return { container: found.Id };
    if (found.State.Status === 'created') return this.#start(spec, found.Id);
    throw createFailed(
      spec,
      `its container ${name} is there but dead (${found.State.Status}, exit code ${found.State.ExitCode})`,
    );
  }

  /** Removes an environment's container, dead or alive, and waits until it is gone. */
  async destroy(id: string): Promise<void> {
    const name = containerName(id);
    const found = await this.inspect(name);
    if (found === null) return;
    if (recordOn(found.Config.Labels, found.Name) === null) {
      throw new FlatMachineError('invalid-id', `container ${name} is no environment and stays`);
    }
    await this.#remove(found.Id);
  }

  async #remove(container: string): Promise<void> {
    const giveUpAt = performance.now() + BOUNDS.change;
    while (performance.now() < giveUpAt) {
      try {
        await this.#client.call('remove a container', BOUNDS.change, (docker, abortSignal) =>
          docker.getContainer(container).remove({ force: true, v: true, abortSignal }),
        );
        return;
      } catch (thrown) {
        if (isRefusal(thrown, 404)) return;
        // it is being removed already
        if (!isRefusal(thrown, 409)) throw thrown;
      }
      await sleep(POLL_MS);
    }
    throw new FlatMachineError('runner-unavailable', `container ${container} cannot be removed`);
  }
}

function createFailed(spec: EnvironmentSpec, reason: string, cause?: unknown): FlatMachineError {
  return new FlatMachineError(
    'create-failed',
    `environment ${spec.id} cannot be made from the image ${spec.image}: ${reason}`,
    { cause, details: { environment: spec.id, image: spec.image ?? null, reason } },
  );
}
