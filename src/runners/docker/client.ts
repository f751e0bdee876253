import type Docker from 'dockerode';
import { FlatMachineError, toError } from '../../errors.ts';

/** Milliseconds that a call which only reads may take. */
const READ_MS = 15_000;
/** Milliseconds that a call which changes something may take; a daemon under load takes seconds to start a container. */
const CHANGE_MS = 120_000;

/** How long the calls of the Engine API may take, milliseconds. */
export const BOUNDS = { probe: 5_000, read: READ_MS, change: CHANGE_MS, copy: 600_000 } as const;

const DEFAULT_SOCKET = '/var/run/docker.sock';
const REMEDY = 'Start Docker, or point DOCKER_HOST or the runner’s setting `socket` to its daemon.';

/** A daemon, connected to at the first call. Every call is bounded in time. */
export class DockerClient {
  /** Where the daemon is, for messages. */
  readonly place: string;
  #docker: Promise<Docker> | undefined;

  /** @param socket path of the daemon's socket; absent = DOCKER_HOST, else /var/run/docker.sock */
  constructor(socket: string | undefined) {
    const host = process.env.DOCKER_HOST ?? '';
    this.place = socket === undefined && host !== '' ? host : `unix://${socket ?? DEFAULT_SOCKET}`;
  }

  /**
   * One or more calls that belong together.
   * @param what for the message when there is no answer
   * @param work gets a signal that is aborted when the time is up; its result is not waited for any longer then
   * @throws FlatMachineError `runner-unavailable` when the daemon cannot be reached or does not answer in time; what it refuses comes as a {@link Refusal}
   */
  async call<T>(
    what: string,
    milliseconds: number,
    work: (docker: Docker, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error('it is late'));
        abort.abort();
      }, milliseconds);
    });
    try {
      this.#docker ??= connect(this.place);
      const docker = await this.#docker;
      return await Promise.race([work(docker, abort.signal), late]);
    } catch (thrown) {
      if (thrown instanceof FlatMachineError || isRefusal(thrown)) throw thrown;
      const why = abort.signal.aborted
        ? `did not answer within ${milliseconds / 1000} s when asked to ${what}`
        : `cannot be reached: ${toError(thrown).message}`;
      throw unavailable(`the Docker daemon at ${this.place} ${why}`, thrown);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function connect(place: string): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  // certificates above all the library takes from DOCKER_* itself
  if (/^tcp:\/\/./.test(place)) return new Client();
  if (!/^unix:\/\/./.test(place))
    throw unavailable(`${place} is no place for a Docker daemon: only unix:// and tcp:// are`);
  return new Client({ socketPath: place.slice('unix://'.length), host: undefined } as Docker.DockerOptions);
}

function unavailable(message: string, cause?: unknown): FlatMachineError {
  return new FlatMachineError('runner-unavailable', message, { cause, remedy: REMEDY });
}

/** The daemon has answered with an error. */
export interface Refusal extends Error {
  statusCode: number;
  json: unknown;
}

/** Whether the daemon answered with an error, and if statuses are named, with one of these. */
export function isRefusal(thrown: unknown, ...statuses: number[]): thrown is Refusal {
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' && (statuses.length === 0 || statuses.includes(status));
}

/** What went wrong, in the daemon's own words where it has said some. */
export function reasonOf(thrown: unknown): string {
  if (isRefusal(thrown) && thrown.json !== null && typeof thrown.json === 'object') {
    const { message } = thrown.json as { message?: unknown };
    if (typeof message === 'string') return message;
  }
  return toError(thrown)
    .message.replace(/^\(HTTP code \d+\) [a-z ]* - /, '')
    .trim();
}
