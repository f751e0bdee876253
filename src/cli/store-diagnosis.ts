import type { BackendOptions } from '../backends/interfaces.ts';
import { isMixedUrl, mixedParts } from '../backends/mixed-url.ts';
import { openBackends } from '../backends/open.ts';
import { type BackendUrl, parseBackendUrl, technologyOf, withoutSecrets } from '../backends/url.ts';
import { FlatMachineError, toError } from '../errors.ts';
import { storeMayExist } from '../library/store-place.ts';
import { BACKEND_NAMES } from '../machine/backend-names.ts';

/** What one store came to when it was opened and asked. */
export interface StoreFinding {
  /** Without secrets. */
  url: string;
  ok: boolean;
  detail: string;
  /** What to do when it is not ok. */
  remedy: string | null;
  /** What keeps it, e.g. `PostgreSQL 15.14`; null where there is nothing to ask, or it does not say. */
  version: string | null;
  durability: string | null;
  /** What can be kept there. */
  keeps: string[];
  warnings: string[];
}

type Version = (url: BackendUrl, options: BackendOptions) => Promise<string>;

const redis = async (): Promise<Version> => (await import('../backends/redis/version.ts')).redisVersion;
const postgres = async (): Promise<Version> =>
  (await import('../backends/postgres/version.ts')).postgresVersion;

/** What tells the version behind a URL, by its scheme. Object stores do not say. */
const VERSIONS: Readonly<Record<string, () => Promise<Version>>> = {
  sqlite: async () => (await import('../backends/sqlite/version.ts')).sqliteVersion,
  redis,
  rediss: redis,
  postgres,
  postgresql: postgres,
  consul: async () => (await import('../backends/consul/version.ts')).consulVersion,
};

/** Roles as people call them. */
const KEPT: Readonly<Record<string, string>> = {
  persistence: 'executions',
  signals: 'signals',
  locking: 'leases',
  results: 'results',
  registration: 'workers',
  work: 'work pools',
};

/** Opens the store at a URL as any command would, or each store of a mixed one, and asks it something. What does not work stands in the findings. */
export async function diagnoseStores(url: string): Promise<StoreFinding[]> {
  if (!isMixedUrl(url)) return [await diagnoseStore(url)];
  const parts = await Promise.all([...new Set(Object.values(mixedParts(url)))].map(diagnoseStore));
  if (parts.some(({ ok }) => !ok)) return parts;
  // Each may be well, and yet not what it is named for.
  const whole = await diagnoseStore(url);
  return whole.ok ? parts : [...parts, whole];
}

async function diagnoseStore(text: string): Promise<StoreFinding> {
  const found: StoreFinding = {
    url: withoutSecrets(text),
    ok: true,
    detail: '',
    remedy: null,
    version: null,
    durability: null,
    keeps: [],
    warnings: [],
  };
  try {
    if (!storeMayExist(text)) return { ...found, detail: 'there is nothing yet; the first run makes it' };
    await ask(text, found);
  } catch (thrown) {
    const error = toError(thrown);
    found.ok = false;
    found.detail = error.message;
    found.remedy = error instanceof FlatMachineError ? error.remedy : null;
  }
  return found;
}

async function ask(text: string, found: StoreFinding): Promise<void> {
  const { url, options } = parseBackendUrl(text);
  const store = await openBackends(text, { onWarning: (message) => found.warnings.push(message) });
  try {
    const before = performance.now();
    await store.persistence.executions({ limit: 1 });
    await store.locking.holder('doctor');
    found.detail = `answers in ${Math.round(performance.now() - before)} ms`;
    found.durability = store.durability;
    found.keeps = keptBy(url.scheme);
    found.version = await versionOf(url, options, found.warnings);
  } finally {
    await store.close();
  }
}

/** A server that may be used need not tell what it is. */
async function versionOf(
  url: BackendUrl,
  options: BackendOptions,
  warnings: string[],
): Promise<string | null> {
  const load = VERSIONS[url.scheme];
  if (load === undefined) return null;
  try {
    return await (await load())(url, options);
  } catch (thrown) {
    warnings.push(`it does not tell its version: ${toError(thrown).message}`);
    return null;
  }
}

function keptBy(scheme: string): string[] {
  const technology = technologyOf(scheme);
  return Object.keys(KEPT)
    .filter((role) => BACKEND_NAMES[role]?.includes(technology))
    .map((role) => KEPT[role] as string);
}
