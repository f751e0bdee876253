import { FlatMachineError } from '../errors.ts';
import type { BackendOptions, BackendSet, Durability } from './interfaces.ts';

type Opener = (location: string, options: BackendOptions) => BackendSet | Promise<BackendSet>;

/** Each technology by the scheme of its URLs. Its code, and the driver that needs, is loaded when it is first opened. */
const BACKENDS: Readonly<Record<string, () => Promise<Opener>>> = {
  memory: async () => (await import('./memory/backend-set.ts')).openMemory,
  sqlite: async () => (await import('./sqlite/backend-set.ts')).openSqlite,
};

const DURABILITIES: readonly Durability[] = ['power-loss', 'process-crash', 'none'];

/**
 * Opens the store that a URL names: `memory:` (or `memory`), or `sqlite:PATH` with PATH relative to the working directory.
 * `?durability=power-loss|process-crash` may follow; `options` win over it.
 * @throws FlatMachineError `unknown-backend`, `usage` for a parameter that does not exist, `backend` when it cannot be opened
 */
export async function openBackends(url: string, options: BackendOptions = {}): Promise<BackendSet> {
  const { scheme, location, parameters } = parse(url);
  const load = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (!load) {
    const known = Object.keys(BACKENDS).join(', ');
    throw new FlatMachineError(
      'unknown-backend',
      `there is no backend ${JSON.stringify(scheme)}; there are: ${known}`,
    );
  }
  const fromUrl = optionsOf(parameters, url);
  const open = await load();
  return open(location, { ...fromUrl, ...options });
}

function parse(url: string): { scheme: string; location: string; parameters: URLSearchParams } {
  const query = url.indexOf('?');
  const base = query === -1 ? url : url.slice(0, query);
  const colon = base.indexOf(':');
  return {
    scheme: colon === -1 ? base : base.slice(0, colon),
    location: colon === -1 ? '' : base.slice(colon + 1),
    parameters: new URLSearchParams(query === -1 ? '' : url.slice(query + 1)),
  };
}

function optionsOf(parameters: URLSearchParams, url: string): BackendOptions {
  const options: BackendOptions = {};
  for (const [name, value] of parameters) {
    const durability = DURABILITIES.find((known) => known === value);
    if (name !== 'durability' || !durability) {
      throw new FlatMachineError('usage', `${url} has a parameter that does not exist: ${name}=${value}`, {
        remedy: 'Use ?durability=power-loss or ?durability=process-crash.',
      });
    }
    options.durability = durability;
  }
  return options;
}
