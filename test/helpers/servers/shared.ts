import { randomBytes } from 'node:crypto';
import type { Availability } from '../components.ts';

/** Servers that all test files of a run share, each case with a name space of its own. */
export type SharedServer = 'redis' | 'postgres' | 's3' | 'consul';

/** The variable that says where it is: set by the caller, or by the global setup where it can start one. */
const VARIABLES: Readonly<Record<SharedServer, string>> = {
  redis: 'FLATMACHINE_TEST_REDIS_URL',
  postgres: 'FLATMACHINE_TEST_POSTGRES_URL',
  s3: 'FLATMACHINE_TEST_S3_URL',
  consul: 'FLATMACHINE_TEST_CONSUL_URL',
};

/** What keeps the cases apart on one server. */
const NAME_SPACES: Readonly<Record<SharedServer, string>> = {
  redis: 'prefix',
  postgres: 'schema',
  s3: 'prefix',
  consul: 'prefix',
};

/** Whether there is such a server to test against. */
export function serverAvailability(server: SharedServer): Availability {
  const url = process.env[VARIABLES[server]];
  return url === undefined
    ? { available: false, detail: `no ${server} server: ${VARIABLES[server]} is not set` }
    : { available: true, detail: url };
}

/** The URL of that server, as given. @throws when there is none */
export function serverUrl(server: SharedServer): string {
  const url = process.env[VARIABLES[server]];
  if (url === undefined) throw new Error(`${VARIABLES[server]} is not set`);
  return url;
}

/** A URL on that server in which nothing is stored yet. */
export function emptyStoreUrl(server: SharedServer): string {
  const url = serverUrl(server);
  return `${url}${url.includes('?') ? '&' : '?'}${NAME_SPACES[server]}=t_${randomBytes(8).toString('hex')}`;
}

/** Says where a server is, to every test of this run. */
export function announce(server: SharedServer, url: string): void {
  process.env[VARIABLES[server]] = url;
}
