import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { mixedUrl } from '../../src/backends/mixed-url.ts';
import { openBackends } from '../../src/backends/open.ts';
import { type BackendPlace, backendConformance } from '../../src/conformance/backends.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';

process.env.AWS_ACCESS_KEY_ID ??= 'test';
process.env.AWS_SECRET_ACCESS_KEY ??= 'test';

/** Steps in one store, leases in another; results in the first or a third. */
async function mixedPlace(home: (directory: string) => string, results = home): Promise<BackendPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'flatmachine-mixed-'));
  const locking = `sqlite:${join(directory, 'locks.db')}?durability=process-crash`;
  const persistence = home(directory);
  const url = mixedUrl({
    persistence,
    locking,
    results: results === home ? persistence : results(directory),
  });
  return { open: () => openBackends(url), dispose: () => rm(directory, { recursive: true }) };
}

/** What two stores share; all other roles are one store's, as alone. */
const SHARED_ROLES = ['persistence', 'journal', 'results', 'locking', 'slots'];

/** Thousands of writes, one after the other, to a server that takes some milliseconds for each. */
const SLOW = 120_000;

describeWith('s3', 's3, locks in sqlite', serverAvailability('s3'), () => {
  const make = () => mixedPlace(() => emptyStoreUrl('s3'));
  for (const { name, run } of backendConformance(make, { shared: true, roles: SHARED_ROLES }))
    it(name, run, SLOW);
});

describeWith('consul', 'consul', serverAvailability('consul'), () => {
  const make = async (): Promise<BackendPlace> => {
    const url = emptyStoreUrl('consul');
    return { open: () => openBackends(url) };
  };
  for (const { name, run } of backendConformance(make, { shared: true, roles: ['locking'] })) it(name, run);
});

describe('sqlite, locks in another sqlite, results in a third', () => {
  const make = () =>
    mixedPlace(
      (directory) => `sqlite:${join(directory, 'steps.db')}?durability=process-crash`,
      (directory) => `sqlite:${join(directory, 'results.db')}?durability=process-crash`,
    );
  const roles = [...SHARED_ROLES, 'signals'];
  for (const { name, run } of backendConformance(make, { shared: true, roles })) it(name, run);
});
