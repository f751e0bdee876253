import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import type { Availability } from './components.ts';

/** What `busyboxImage` makes. */
export const BUSYBOX_IMAGE = 'flatmachine-test-busybox:local';

/** A call of the Engine API. */
export interface DockerRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** A tar as it is; anything else as JSON. */
  body?: unknown;
}

/** The daemon's socket: of DOCKER_HOST, else the usual one. Null when DOCKER_HOST is something other than a socket. */
export function dockerSocket(): string | null {
  const host = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  return host.startsWith('unix://') ? host.slice('unix://'.length) : null;
}

/**
 * One call of the Engine API over the daemon's socket, without a client library.
 * @returns the reply's JSON; text that is not JSON as it is; null for an empty reply
 * @throws Error with the status and the daemon's message when it refuses
 */
export async function dockerApi(
  path: string,
  { method = 'GET', body }: DockerRequest = {},
): Promise<unknown> {
  const raw = body instanceof Uint8Array;
  const content = body === undefined ? undefined : raw ? body : JSON.stringify(body);
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const call = request(
      {
        socketPath: dockerSocket() ?? undefined,
        path,
        method,
        headers:
          content === undefined ? {} : { 'content-type': raw ? 'application/x-tar' : 'application/json' },
      },
      (reply) => {
        buffer(reply).then(
          (bytes) => resolve({ status: reply.statusCode ?? 0, text: bytes.toString('utf8') }),
          reject,
        );
      },
    );
    call.on('error', reject);
    call.end(content);
  });
  if (status >= 400) throw new Error(`docker ${method} ${path}: ${status} ${text}`);
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const found = await findDocker();

/** Whether a daemon answers, and an image can be made for it from this machine's busybox. Looked up once per process. */
export function dockerAvailability(): Availability {
  return found;
}

async function findDocker(): Promise<Availability> {
  const socket = dockerSocket();
  if (socket === null)
    return { available: false, detail: `DOCKER_HOST=${process.env.DOCKER_HOST} is no unix socket` };
  try {
    await dockerApi('/_ping');
  } catch (error) {
    return { available: false, detail: `no daemon answers at ${socket}: ${(error as Error).message}` };
  }
  if (staticBusybox() === null) {
    return {
      available: false,
      detail: 'no statically linked busybox to make an image of; install busybox-static',
    };
  }
  const { Version } = (await dockerApi('/version')) as { Version: string };
  return { available: true, detail: `Docker ${Version} at ${socket}` };
}

/** Makes sure that an image of nothing but busybox is there, and returns its name. Nothing is fetched. */
export async function busyboxImage(): Promise<string> {
  const images = (await dockerApi(
    `/images/json?filters=${encodeURIComponent(JSON.stringify({ reference: [BUSYBOX_IMAGE] }))}`,
  )) as unknown[];
  if (images.length === 0) {
    const [repo, tag] = BUSYBOX_IMAGE.split(':');
    const query = `fromSrc=-&repo=${repo}&tag=${tag}&changes=${encodeURIComponent('ENV PATH=/bin')}`;
    await dockerApi(`/images/create?${query}`, { method: 'POST', body: await busyboxTar() });
  }
  return BUSYBOX_IMAGE;
}

/** A root file system: busybox, a link for each of its applets, and the directories that programs expect. */
async function busyboxTar(): Promise<Uint8Array> {
  const busybox = staticBusybox();
  if (busybox === null) throw new Error('no statically linked busybox: ask dockerAvailability() first');
  const tar = pack();
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys'])
    tar.entry({ name, type: 'directory', mode: 0o755 });
  tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777 });
  tar.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  tar.entry({ name: 'etc/group' }, 'root:x:0:\nnogroup:x:65534:\n');
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(busybox));
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  }
  tar.finalize();
  return buffer(tar);
}

/** This machine's busybox, if it runs without a dynamic linker. */
function staticBusybox(): string | null {
  const isStatic = (path: string) =>
    !/\/ld-(linux|musl)/.test(readFileSync(path).toString('latin1', 0, 4096));
  return ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path) && isStatic(path)) ?? null;
}
