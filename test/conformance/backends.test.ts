import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { type BackendPlace, backendConformance } from '../../src/conformance/backends.ts';

async function sqlitePlace(durability: 'power-loss' | 'process-crash'): Promise<BackendPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'flatmachine-backends-'));
  return {
    open: () => openBackends(`sqlite:${join(directory, 'new', 'store.db')}`, { durability }),
    dispose: () => rm(directory, { recursive: true }),
  };
}

const STORES = [
  { name: 'memory', shared: false, make: async () => ({ open: () => openBackends('memory:') }) },
  { name: 'sqlite, power-loss', shared: true, make: () => sqlitePlace('power-loss') },
  { name: 'sqlite, process-crash', shared: true, make: () => sqlitePlace('process-crash') },
];

for (const { name, shared, make } of STORES) {
  describe(name, () => {
    for (const { name: title, run } of backendConformance(make, { shared })) it(title, run);
  });
}
