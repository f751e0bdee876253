import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openBackends } from '../../src/backends/open.ts';
import { STATE_DIR } from '../../src/library/store-place.ts';
import { homeOf } from '../../src/rollout/identity.ts';
import { dockerApi } from './docker.ts';
import type { RunnerUnderTest } from './runners.ts';

/**
 * Everything that executions started in this directory have left: records and leases in the store, processes, containers, and environments on this host.
 * Snapshots and the store itself are meant to stay.
 * @param backend the store's URL; default: the one in the directory
 */
export async function leftovers(
  directory: string,
  ids: readonly string[],
  runner: RunnerUnderTest,
  backend = `sqlite:${join(directory, STATE_DIR, 'flatmachine.db')}`,
): Promise<string[]> {
  const backends = await openBackends(backend, {});
  try {
    const environments = await backends.slots.environments();
    const holders = await Promise.all(ids.map((id) => backends.locking.holder(id)));
    return [
      ...environments.map((environment) => `environment ${environment.environment_id} in the store`),
      ...(await backends.slots.slots()).map((slot) => `slot ${slot.slot_id} in the store`),
      ...holders.flatMap((holder) => (holder === null ? [] : [`a lease of ${holder.owner}`])),
      ...processesOf(directory),
      ...(await containersOf(directory, runner)),
      ...environmentDirectories(join(directory, STATE_DIR)),
    ];
  } finally {
    await backends.close();
  }
}

/** What runners keep of environments on this host: everything but the store and the snapshots. */
function environmentDirectories(stateDir: string): string[] {
  if (!existsSync(stateDir)) return [];
  return readdirSync(stateDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'snapshots')
    .flatMap((entry) =>
      readdirSync(join(stateDir, entry.name)).map((name) => `directory ${entry.name}/${name}`),
    );
}

/**
 * Living processes that have this directory in their command line, environment or working directory, this one aside. OLDPWD does not count: a
 * supervisor that looks whether a process works in one of its slots goes to that process's directory, and what it starts next says so.
 */
export function processesOf(directory: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = read(`/proc/${pid}/environ`).replace(/(^|\0)OLDPWD=[^\0]*/g, '');
    const facts = [read(`/proc/${pid}/cmdline`), environment, link(`/proc/${pid}/cwd`)];
    if (facts.some((fact) => fact.includes(directory)))
      found.push(`process ${pid}: ${facts[0]?.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Containers, dead or alive, that were made from this directory. Empty for runners without containers. */
async function containersOf(directory: string, runner: { name: string }): Promise<string[]> {
  if (runner.name !== 'docker') return [];
  const filters = encodeURIComponent(
    JSON.stringify({ label: [`home=${homeOf(join(directory, STATE_DIR))}`] }),
  );
  const containers = (await dockerApi(`/containers/json?all=1&filters=${filters}`)) as { Names: string[] }[];
  return containers.map((container) => `container ${container.Names.join(' ')}`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // The process has ended meanwhile.
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // The process has ended meanwhile, or is the kernel's.
  }
}
