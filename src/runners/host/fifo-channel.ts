import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ChannelStreams } from '../supervisor/channel.ts';

const run = promisify(execFile);
const { O_RDONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;

/** The FIFO by which a box hears of new channels. */
const CONTROL = 'control';

/** Makes a box's directory of channels ready: once, before the box starts. */
export async function makeControl(directory: string): Promise<void> {
  rmSync(join(directory, CONTROL), { force: true });
  await run('mkfifo', ['-m', '600', join(directory, CONTROL)]);
}

/**
 * Opens a channel to a box that runs `supervisor.sh box`, through FIFOs in a directory that the box can read but not change.
 * It needs neither privileges nor a socket. Whether the box answers is seen at the first request only.
 */
export async function openFifoChannel(directory: string): Promise<ChannelStreams> {
  const name = randomUUID();
  const paths = ['in', 'out', 'err'].map((end) => join(directory, `${name}.${end}`)) as [
    string,
    string,
    string,
  ];
  const fds: number[] = [];
  const remove = () => {
    for (const path of paths) rmSync(path, { force: true });
  };
  try {
    await run('mkfifo', ['-m', '600', ...paths]);
    // nobody is at the other end yet, so none of these may block; a FIFO can be opened for writing then only both ways
    fds.push(openSync(paths[0], O_RDWR | O_NONBLOCK | O_NOFOLLOW));
    fds.push(openSync(paths[1], O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
    fds.push(openSync(paths[2], O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
    // held until the channel is closed: a box that is only starting has not opened it yet, and what nobody holds is lost
    fds.push(openSync(join(directory, CONTROL), O_RDWR | O_NONBLOCK | O_NOFOLLOW));
    writeSync(fds[3] as number, `${name}\n`);
  } catch (thrown) {
    for (const fd of fds) closeSync(fd);
    remove();
    throw thrown;
  }
  const [stdin, stdout, stderr] = fds
    .slice(0, 3)
    .map((fd, index) => new Socket({ fd, readable: index > 0, writable: index === 0 })) as [
    Socket,
    Socket,
    Socket,
  ];
  return {
    stdin,
    stdout,
    stderr,
    close: () => {
      for (const socket of [stdin, stdout, stderr]) socket.destroy();
      closeSync(fds[3] as number);
      remove();
    },
  };
}
