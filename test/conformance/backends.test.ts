import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { type BackendPlace, backendConformance } from '../../src/conformance/backends.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';

async function sqlitePlace(durability: 'power-loss' | 'process-crash'): Promise<BackendPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'flatmachine-backends-'));
  return {
    open: () => openBackends(`sqlite:${join(directory, 'new', 'store.db')}`, { durability }),
    dispose: () => rm(directory, { recursive: true }),
  };
}

async function localPlace(durability: 'power-loss' | 'process-crash'): Promise<BackendPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'flatmachine-backends-'));
  return {
    open: () => openBackends(`local:${join(directory, 'new', 'executions')}`, { durability }),
    dispose: () => rm(directory, { recursive: true }),
  };
}

const FILE_ROLES = ['persistence', 'journal', 'locking', 'results'];

const STORES: readonly {
  name: string;
  shared: boolean;
  roles?: readonly string[];
  make: () => Promise<BackendPlace>;
}[] = [
  {
    name: '[memory-store] memory',
    shared: false,
    make: async () => ({ open: () => openBackends('memory:') }),
  },
  { name: '[sqlite-store] sqlite, power-loss', shared: true, make: () => sqlitePlace('power-loss') },
  { name: '[sqlite-store] sqlite, process-crash', shared: true, make: () => sqlitePlace('process-crash') },
  {
    name: '[local-store] local, power-loss',
    shared: true,
    roles: FILE_ROLES,
    make: () => localPlace('power-loss'),
  },
  {
    name: '[local-store] local, process-crash',
    shared: true,
    roles: FILE_ROLES,
    make: () => localPlace('process-crash'),
  },
];

for (const { name, make, ...options } of STORES) {
  describe(name, () => {
    for (const { name: title, run } of backendConformance(make, options)) it(title, run);
  });
}

/** Stores on a server: each case has an empty one of its own there. */
const SERVERS = ['redis', 'postgres'] as const;

for (const server of SERVERS) {
  const make = async (): Promise<BackendPlace> => {
    const url = emptyStoreUrl(server);
    return { open: () => openBackends(url) };
  };
  describeWith(server, server, serverAvailability(server), () => {
    for (const { name: title, run } of backendConformance(make, { shared: true })) it(title, run);
  });
}
