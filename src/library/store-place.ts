import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BackendOptions, BackendSet, Durability } from '../backends/interfaces.ts';
import { isMixedUrl, mapMixedUrl, mixedParts } from '../backends/mixed-url.ts';
import { openBackends } from '../backends/open.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import { machineStoreUrl } from './machine-store.ts';
import { namedPlace } from './named-place.ts';

/** Directory, beside the working directory, for everything that is kept. Made on first use. */
export const STATE_DIR = '.flatmachine';

/** Stores that are files, and where they are when their URLs do not say. */
const FILES: Readonly<Record<string, string>> = {
  sqlite: `${STATE_DIR}/flatmachine.db`,
  local: `${STATE_DIR}/executions`,
};

/**
 * Opens the store of a machine.
 * @param url wins over what the machine says, for all roles
 * @throws FlatMachineError `unknown-backend`, `usage`, `missing-package`, `backend`
 */
export async function openStoreOf(
  machine: CompiledMachine,
  url: string | undefined,
  cwd: string,
  options: BackendOptions,
): Promise<BackendSet> {
  const { heartbeat_interval: heartbeatInterval, backends } = machine.settings;
  const durability = backends.durability as Durability | undefined;
  const fromMachine = { heartbeatInterval, ...(durability === undefined ? {} : { durability }) };
  const place = url ?? machineStoreUrl(machine, process.env);
  return openBackends(absoluteUrl(place, cwd), { ...fromMachine, ...options });
}

/** One SQLite file beside the working directory. */
export function defaultBackend(): string {
  return `sqlite:${FILES.sqlite}`;
}

/**
 * A URL, or the name of a technology, as a URL that means the same in every directory.
 * @throws FlatMachineError `unknown-backend` for a name that says too little
 */
export function absoluteUrl(url: string, cwd: string): string {
  if (isMixedUrl(url)) return mapMixedUrl(url, (part) => absoluteUrl(part, cwd));
  const place = filePlace(url);
  return place === null
    ? namedPlace(url, process.env)
    : `${place.scheme}:${resolve(cwd, place.path)}${place.query}`;
}

/** Whether something can be kept there already: false for files that do not exist. Whether a server has anything, only it can tell. */
export function storeMayExist(url: string): boolean {
  if (isMixedUrl(url)) return storeMayExist(mixedParts(url).persistence ?? '');
  const place = filePlace(url);
  return place === null || existsSync(place.path);
}

function filePlace(url: string): { scheme: string; path: string; query: string } | null {
  const [, scheme = '', location = '', query = ''] = /^([^:?]*):?([^?]*)(.*)$/s.exec(url) ?? [];
  if (!Object.hasOwn(FILES, scheme)) return null;
  return { scheme, path: location || (FILES[scheme] as string), query };
}
