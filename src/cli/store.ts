import type { BackendSet } from '../backends/interfaces.ts';
import { openBackends } from '../backends/open.ts';
import { withoutSecrets } from '../backends/url.ts';
import { FlatMachineError } from '../errors.ts';
import { latestOf } from '../execution/engine.ts';
import { absoluteUrl, defaultBackend, storeMayExist } from '../library/store-place.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import { stderr } from './io.ts';
import { printable } from './render/text.ts';

/** The URL of the store that a command without a machine looks into: `--backend`, else the default one beside the working directory. */
export function storeUrl(backend: string | undefined): string {
  return absoluteUrl(backend ?? defaultBackend(), process.cwd());
}

/**
 * Opens that store for the length of `body`. Files that are not there yet are not made: `missing` answers for them. A server is asked, and what it has nothing of reads as empty.
 * @throws FlatMachineError `unknown-backend`, `backend`
 */
export async function withStore<T>(
  backend: string | undefined,
  missing: (url: string) => T,
  body: (store: BackendSet) => Promise<T>,
): Promise<T> {
  const url = storeUrl(backend);
  if (!storeMayExist(url)) return missing(withoutSecrets(url));
  const store = await openBackends(url, {
    onWarning: (message) => stderr.write(`warning: ${printable(message)}\n`),
  });
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}

/** What answers where a store has to be there. @throws FlatMachineError `not-found`, always */
export function noStore(url: string): never {
  throw new FlatMachineError('not-found', `there is no store at ${url} yet`, {
    remedy: 'Go to the directory its executions were started in, or name it with --backend.',
  });
}

/** {@link withStore} for a command about one execution, which must be there. @throws FlatMachineError `execution-not-found`, saying where it looked */
export function withExecution<T>(
  id: string,
  backend: string | undefined,
  body: (store: BackendSet, last: MachineSnapshot) => Promise<T>,
): Promise<T> {
  const missing = (url: string): never => {
    throw new FlatMachineError(
      'execution-not-found',
      `no execution "${id}": there is no store at ${url} yet`,
      { remedy: 'Go to the directory it was started in, or name its store with --backend.' },
    );
  };
  return withStore(backend, missing, async (store) => body(store, await latestOf(store, id)));
}
