import { FlatMachineError } from '../errors.ts';
import type { BackendOptions, BackendRoles, BackendSet } from './interfaces.ts';
import { type BackendUrl, checkParameters, parseBackendUrl } from './url.ts';

type Opener = (url: BackendUrl, options: BackendOptions) => BackendRoles | Promise<BackendRoles>;

/** One kind of store. Its code, and the driver that needs, is loaded when it is first opened. */
interface Technology {
  /** What its URLs may say after the `?`, beside `durability`. */
  readonly parameters: readonly string[];
  load(): Promise<Opener>;
}

/** Each technology by the scheme of its URLs. */
const TECHNOLOGIES: Readonly<Record<string, Technology>> = {
  memory: { parameters: [], load: async () => (await import('./memory/backend-set.ts')).openMemory },
  sqlite: { parameters: [], load: async () => (await import('./sqlite/backend-set.ts')).openSqlite },
};

/**
 * Opens the store that a URL names: `memory:` (or `memory`), or `sqlite:PATH` with PATH relative to the working directory.
 * `?durability=power-loss|process-crash` may follow; `options` win over it.
 * @throws FlatMachineError `unknown-backend`, `usage` for a parameter that does not exist, `backend` when it cannot be opened
 */
export async function openBackends(text: string, options: BackendOptions = {}): Promise<BackendSet> {
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
  return (await open(url, { ...fromUrl, ...options })) as BackendSet;
}
