import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { FlatMachineError } from '../../errors.ts';
import type { ChannelStreams } from '../supervisor/channel.ts';
import { type DockerClient, reasonOf } from './client.ts';
import { SERVE_COMMAND, SERVE_READY, supervisorMark } from './container.ts';
import { Frames } from './frames.ts';

/** How long a supervisor may take until it answers, milliseconds. */
const OPEN_MS = 20_000;

/** A channel over the daemon's connection. */
export interface DockerChannel extends ChannelStreams {
  readonly stdin: Socket;
}

/**
 * Starts a supervisor in a container and waits until it serves.
 * @throws FlatMachineError `supervisor` with the reason when it cannot be started, e.g. because the container may have no more
 * processes; `runner-unavailable`
 */
export async function openChannel(
  client: DockerClient,
  container: string,
  id: string,
): Promise<DockerChannel> {
  return client.call('start a supervisor', OPEN_MS, async (docker, abortSignal) => {
    const exec = await docker.getContainer(container).exec({
      Cmd: SERVE_COMMAND,
      Env: [supervisorMark(id)],
      User: '0:0',
      WorkingDir: '/',
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
      abortSignal,
    });
    // not given the signal, which would go on to end the connection; it is let go of below instead
    const socket = (await exec.start({ hijack: true })) as unknown as Socket;
    return served(socket, abortSignal);
  });
}

/** The streams of a supervisor, once it has said that it is there. What the daemon says instead is the reason why it is not. */
function served(socket: Socket, abortSignal: AbortSignal): Promise<DockerChannel> {
  socket.setNoDelay(true);
  const stdout = new Readable({ read: () => socket.resume() });
  const stderr = new Readable({ read: () => socket.resume() });
  return new Promise((resolve, reject) => {
    let greeting = '';
    let ready = false;
    const fail = (reason: string) => {
      if (!ready) reject(new FlatMachineError('supervisor', `no supervisor could be started: ${reason}`));
      socket.destroy();
    };
    const greet = (piece: Buffer) => {
      greeting += piece.toString('latin1');
      if (greeting.length < SERVE_READY.length && SERVE_READY.startsWith(greeting)) return;
      if (!greeting.startsWith(SERVE_READY)) return fail(greeting.slice(0, 1000).trim());
      ready = true;
      abortSignal.removeEventListener('abort', onAbort);
      const rest = Buffer.from(greeting.slice(SERVE_READY.length), 'latin1');
      if (rest.length > 0) stdout.push(rest);
      resolve({ stdin: socket, stdout, stderr, close: () => letGo(socket) });
    };
    const onAbort = () => fail('it did not answer in time');
    if (abortSignal.aborted) onAbort();
    abortSignal.addEventListener('abort', onAbort);
    const frames = new Frames((isStderr, piece) => {
      if (!ready && !isStderr) greet(piece);
      else if (!(isStderr ? stderr : stdout).push(piece)) socket.pause();
    });
    socket.on('data', (chunk: Buffer) => frames.take(chunk));
    socket.on('error', (error) => fail(reasonOf(error)));
    socket.on('close', () => {
      fail('the connection ended');
      stdout.push(null);
      stderr.push(null);
    });
  });
}

/** Ends the supervisor's input. The connection, which lasts as long as its commands, keeps nobody waiting. */
function letGo(socket: Socket): void {
  socket.unref();
  socket.end(() => socket.destroy());
}
