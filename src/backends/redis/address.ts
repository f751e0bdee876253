import { FlatMachineError } from '../../errors.ts';
import type { BackendUrl } from '../url.ts';

/** Where a server is and who asks. */
export interface RedisAddress {
  host: string;
  port: number;
  db: number;
  username?: string;
  password?: string;
  tls?: { servername: string };
}

const DEFAULT_PORT = 6379;

/**
 * The address of a URL `redis://[[USER][:PASSWORD]@]HOST[:PORT][/DB]`, or `rediss:` for TLS. Without a host it is this machine, without a database 0.
 * @throws FlatMachineError `usage`
 */
export function parseAddress({ scheme, location }: BackendUrl): RedisAddress {
  const url = URL.canParse(`${scheme}:${location}`) ? new URL(`${scheme}:${location}`) : null;
  const username = decoded(url?.username ?? '');
  const password = decoded(url?.password ?? '');
  const db = /^\/?(\d{0,5})$/.exec(url?.pathname ?? '-');
  // A hash would be a password's that is not encoded, and the host be within it.
  const isAddress = (location === '' || location.startsWith('//')) && !url?.hash;
  if (url === null || db === null || username === null || password === null || !isAddress) {
    // Whatever is before the last @ may be part of a password.
    throw new FlatMachineError(
      'usage',
      `${scheme}:${location.replace(/^.*@/s, '//***@')} is no address of a redis server`,
      {
        remedy: `Use ${scheme}://HOST:PORT/DB, e.g. ${scheme}://127.0.0.1:6379/0; what is special in a password has to be percent-encoded.`,
      },
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1';
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    db: Number(db[1]),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(scheme === 'rediss' ? { tls: { servername: host } } : {}),
  };
}

/** Null = that is no percent-encoding. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The address as it may be shown: without user and password. */
export function shownAddress({ host, port, db, tls }: RedisAddress): string {
  return `redis${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}/${db}`;
}
