import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dockerApi } from './docker.ts';

/** Living processes that have this directory in their command line, environment or working directory, this one aside. */
export function processesOf(directory: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const facts = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`), link(`/proc/${pid}/cwd`)];
    if (facts.some((fact) => fact.includes(directory)))
      found.push(`process ${pid}: ${facts[0]?.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Containers, dead or alive, that carry the execution's label. Empty for runners without containers. */
export async function containersOf(executionId: string, runner: { name: string }): Promise<string[]> {
  if (runner.name !== 'docker') return [];
  const filters = encodeURIComponent(JSON.stringify({ label: [`owner=${executionId}`] }));
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
