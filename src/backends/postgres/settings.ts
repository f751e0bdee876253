import type { ClientConfig } from 'pg';
import { FlatMachineError } from '../../errors.ts';
import { type BackendUrl, withoutSecrets } from '../url.ts';

/** Connections of one process beside those for general use: two that write, one for heartbeats, one that listens. */
export const RESERVED_CONNECTIONS = 4;

const DEFAULT_SCHEMA = 'flatmachine';
const DEFAULT_POOL = 10;
const DEFAULT_CONNECT_TIMEOUT = 10;

/** The longest name of a schema, in bytes: topics of notifications are made of it. */
const MAX_SCHEMA = 40;

/** What a URL says. */
export interface PostgresSettings {
  /** For the driver. Holds the password. */
  client: ClientConfig;
  schema: string;
  /** The most connections of this process. */
  pool: number;
  /** The URL, without its password. */
  shown: string;
}

/** Reads a URL. @throws FlatMachineError `usage` */
export function postgresSettings({ scheme, location, parameters }: BackendUrl): PostgresSettings {
  const schema = parameters.get('schema') ?? DEFAULT_SCHEMA;
  const size = Buffer.byteLength(schema);
  if (size < 1 || size > MAX_SCHEMA || /[\p{Cc}\p{Cs}]/u.test(schema) || schema.startsWith('pg_')) {
    throw new FlatMachineError('usage', `${JSON.stringify(schema)} cannot be the name of a schema`, {
      remedy: `Use 1 to ${MAX_SCHEMA} bytes without control characters, not starting with pg_.`,
    });
  }
  const own = new Set(['schema', 'pool', 'connect_timeout']);
  const passed = new URLSearchParams([...parameters].filter(([name]) => !own.has(name))).toString();
  const server = location === '' ? '' : `postgres:${location}`;
  checkLocation(scheme, location);
  const connectionString =
    server === '' && passed === '' ? null : `${server || 'postgres:///'}${passed && `?${passed}`}`;
  return {
    client: {
      ...(connectionString === null ? {} : { connectionString }),
      connectionTimeoutMillis: 1000 * whole(parameters, 'connect_timeout', DEFAULT_CONNECT_TIMEOUT, 1),
      keepAlive: true,
      application_name: parameters.get('application_name') ?? 'flatmachine',
    },
    schema,
    pool: whole(parameters, 'pool', DEFAULT_POOL, RESERVED_CONNECTIONS + 1),
    shown: withoutSecrets(`${scheme}:${location}?schema=${encodeURIComponent(schema)}`),
  };
}

/** Refuses what the driver could not read: its own error would show the password. */
function checkLocation(scheme: string, location: string): void {
  const readable =
    location === '' ||
    (location.startsWith('//') && URL.canParse(`postgres:${location.replace('@/', '@host/')}`));
  if (readable) return;
  throw new FlatMachineError('usage', `the ${scheme} URL cannot be read`, {
    remedy: `Use ${scheme}://USER:PASSWORD@HOST:PORT/DATABASE; characters such as @ and / in a password are written %40 and %2F.`,
  });
}

function whole(parameters: BackendUrl['parameters'], name: string, otherwise: number, least: number): number {
  const text = parameters.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= 10_000) return value;
  throw new FlatMachineError(
    'usage',
    `${name} must be a whole number from ${least}, not ${JSON.stringify(text)}`,
  );
}
