import { resolve } from 'node:path';
import { MIXED_ROLES, type MixedRole, mixedUrl } from '../backends/mixed-url.ts';
import { technologyOf, withoutSecrets } from '../backends/url.ts';
import { FlatMachineError } from '../errors.ts';
import { BACKEND_NAMES } from '../machine/backend-names.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import { namedPlace } from './named-place.ts';

/** From what ends with this process, over what stays on one host, to what many share. Not in it: servers. */
const REACH: readonly string[] = ['none', 'memory', 'local', 'sqlite'];

/**
 * What a machine says about where it is kept, as one URL; paths that are the working directory's are relative, or left out for the default. Steps decide: a role that names a technology of no wider reach than theirs (none < memory < local <
 * sqlite < servers) is kept with the steps where their technology has it, since that keeps the promise and makes one transaction of more. Other
 * names, and URLs, are taken by the letter.
 * @throws FlatMachineError `unknown-backend` for a technology that needs a URL, or that cannot keep signals with these steps
 */
export function machineStoreUrl(machine: CompiledMachine, env: NodeJS.ProcessEnv): string {
  const { enabled, backend, db_path } = machine.persistence;
  if (!enabled) return 'memory';
  const { backends } = machine.settings;
  const file = db_path ?? textOf(backends.sqlite_path);
  const sqlite = file === null ? 'sqlite:' : `sqlite:${resolve(machine.dir, file)}`;
  const place = (named: string): string => {
    if (named === 'sqlite') return sqlite;
    return named === 'none' ? 'memory:' : namedPlace(named, env);
  };

  const home = place(backend ?? textOf(backends.persistence) ?? 'sqlite');
  checkSignals(textOf(backends.signals), home);
  const elsewhere: Partial<Record<MixedRole, string>> = {};
  for (const role of MIXED_ROLES) {
    const named = role === 'persistence' ? null : textOf(backends[role]);
    const url = named === null ? null : kept(role, named, home) ? null : place(named);
    if (url !== null && url !== home) elsewhere[role] = url;
  }
  // In the reference's machines it is the file of these two, whatever keeps the steps.
  if (file !== null) {
    for (const role of ['registration', 'work'] as const) if (!keeps(home, role)) elsewhere[role] ??= sqlite;
  }
  return Object.keys(elsewhere).length === 0 ? home : mixedUrl({ persistence: home, ...elsewhere });
}

/** Whether what is named for a role is kept with the steps. */
function kept(role: string, named: string, home: string): boolean {
  if (named.includes(':') || !keeps(home, role)) return false;
  const reach = REACH.indexOf(named);
  return named === technologyOf(home) || (reach !== -1 && reach <= reachOf(home));
}

function keeps(url: string, role: string): boolean {
  return BACKEND_NAMES[role]?.includes(technologyOf(url)) ?? false;
}

function reachOf(url: string): number {
  const reach = REACH.indexOf(technologyOf(url));
  return reach === -1 ? REACH.length : reach;
}

function checkSignals(named: string | null, home: string): void {
  if (named === null || named === home || kept('signals', named, home)) return;
  throw new FlatMachineError(
    'unknown-backend',
    `signals are kept with the steps, in ${withoutSecrets(home)}, and cannot be in ${withoutSecrets(named)}`,
    {
      remedy:
        'Leave `signals` out of `settings.backends`, and keep the steps in memory, sqlite, redis or postgres.',
    },
  );
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
