import { resolve } from 'node:path';
import type { BackendOptions, BackendSet, Durability } from '../backends/interfaces.ts';
import { openBackends } from '../backends/open.ts';
import { FlatMachineError } from '../errors.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';

/** Directory, beside the working directory, for everything that is kept. Made on first use. */
export const STATE_DIR = '.flatmachine';

/**
 * Opens the store of a machine.
 * @param url wins over what the machine says
 * @throws FlatMachineError `unknown-backend`, `backend`
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
  return openBackends(absoluteUrl(url ?? machineUrl(machine), cwd), { ...fromMachine, ...options });
}

/**
 * What roles may name beside the technology that keeps the steps: what they ask for, it does as well. `local`, the files of the reference
 * implementation, stands for the default: one file beside the working directory.
 */
const COVERED: ReadonlySet<string> = new Set(['none', 'memory', 'local', 'sqlite']);

/** What the machine itself says about where it is kept: the technology of its persistence, which has all other roles too. */
function machineUrl(machine: CompiledMachine): string {
  const { enabled, backend, db_path } = machine.persistence;
  if (!enabled) return 'memory';
  const { persistence, sqlite_path: path, durability: _, ...others } = machine.settings.backends;
  const name = backend ?? persistence ?? 'sqlite';
  const strange = Object.values(others).find((role) => role !== name && !COVERED.has(String(role)));
  if (strange !== undefined) {
    throw new FlatMachineError(
      'unknown-backend',
      `backends of different technologies cannot be mixed: ${name} and ${strange}`,
      {
        remedy: 'Name one backend for all roles, or give a URL with --backend.',
      },
    );
  }
  const file = db_path ?? path;
  if (typeof file === 'string') return `sqlite:${resolve(machine.dir, file)}`;
  return name === 'sqlite' || name === 'local' ? defaultBackend() : String(name);
}

/** One SQLite file beside the working directory. */
export function defaultBackend(): string {
  return `sqlite:${STATE_DIR}/flatmachine.db`;
}

/** A URL whose path is relative to `cwd`, made absolute. */
export function absoluteUrl(url: string, cwd: string): string {
  const match = /^(sqlite:)([^?]*)(.*)$/.exec(url);
  return match ? `${match[1]}${resolve(cwd, match[2] ?? '')}${match[3]}` : url;
}
