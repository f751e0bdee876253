import { FlatMachineError } from '../errors.ts';
import { completeSet } from './absent.ts';
import type { BackendOptions, BackendRoles, BackendSet } from './interfaces.ts';
import { isMixedUrl } from './mixed-url.ts';
import { rememberUrl } from './reopen.ts';
import { observed } from './telemetry.ts';
import { type BackendUrl, checkParameters, parseBackendUrl } from './url.ts';

type Opener = (url: BackendUrl, options: BackendOptions) => BackendRoles | Promise<BackendRoles>;

/** One kind of store. Its code, and the driver that needs, is loaded when it is first opened. */
interface Technology {
  /** What its URLs may say after the `?`, beside `durability`. */
  readonly parameters: readonly string[];
  load(): Promise<Opener>;
}

/** Two parameters of ours, the others are libpq's. */
const POSTGRES: Technology = {
  parameters: [
    ...['schema', 'pool', 'host', 'port', 'user', 'password', 'application_name', 'options'],
    ...['connect_timeout', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat'],
  ],
  load: async () => (await import('./postgres/backend-set.ts')).openPostgres,
};

/** Each technology by the scheme of its URLs. */
const TECHNOLOGIES: Readonly<Record<string, Technology>> = {
  memory: { parameters: [], load: async () => (await import('./memory/backend-set.ts')).openMemory },
  local: { parameters: [], load: async () => (await import('./local/backend-set.ts')).openLocal },
  sqlite: { parameters: [], load: async () => (await import('./sqlite/backend-set.ts')).openSqlite },
  redis: { parameters: ['prefix'], load: async () => (await import('./redis/backend-set.ts')).openRedis },
  rediss: { parameters: ['prefix'], load: async () => (await import('./redis/backend-set.ts')).openRedis },
  postgres: POSTGRES,
  postgresql: POSTGRES,
  s3: {
    parameters: ['endpoint', 'region', 'path_style', 'prefix'],
    load: async () => (await import('./s3/backend-set.ts')).openS3,
  },
  consul: {
    parameters: ['prefix', 'token', 'tls'],
    load: async () => (await import('./consul/backend-set.ts')).openConsul,
  },
};

/**
 * Opens the store that a URL names: `memory:` (or `memory`), `local:DIRECTORY`, `sqlite:PATH`, `redis://…`, `postgres://…`, `s3://BUCKET/PREFIX`, `consul://…`;
 * or several that share the work, `mixed:?persistence=URL&locking=URL…`. Paths are relative to the working directory.
 * `?durability=power-loss|process-crash` may follow; `options` win over it. What a store does not keep reads as empty there and cannot be written (`backend`).
 * @throws FlatMachineError `unknown-backend`, `usage` for a parameter that does not exist, `missing-package`, `backend` when it cannot be opened
 */
export async function openBackends(text: string, options: BackendOptions = {}): Promise<BackendSet> {
  return rememberUrl(await observed(await openSet(text, options)), text, options);
}

async function openSet(text: string, options: BackendOptions): Promise<BackendSet> {
  if (!isMixedUrl(text)) return completeSet(await openRoles(text, options));
  const { openMixed } = await import('./mixed.ts');
  return openMixed(text, options, openRoles);
}

async function openRoles(text: string, options: BackendOptions): Promise<BackendRoles> {
  const { url, options: fromUrl } = parseBackendUrl(text);
  const technology = Object.hasOwn(TECHNOLOGIES, url.scheme) ? TECHNOLOGIES[url.scheme] : undefined;
  if (!technology) {
    const known = Object.keys(TECHNOLOGIES).join(', ');
    throw new FlatMachineError(
      'unknown-backend',
      `there is no backend ${JSON.stringify(url.scheme)}; there are: ${known}`,
    );
  }
  checkParameters(url, technology.parameters);
  const open = await technology.load();
  return open(url, { ...fromUrl, ...options });
}
