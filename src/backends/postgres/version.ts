import type { BackendOptions } from '../interfaces.ts';
import type { BackendUrl } from '../url.ts';
import { postgresSettings } from './settings.ts';
import { openStore } from './store.ts';

/** What the server at a URL says that it is: `PostgreSQL 15.14`. @throws FlatMachineError `backend`, and as opening does */
export async function postgresVersion(url: BackendUrl, { durability }: BackendOptions): Promise<string> {
  const store = await openStore(postgresSettings(url), durability, () => {
    // Whoever opened the store before has been warned.
  });
  try {
    const [row] = await store.query<{ server_version: string }>('', 'SHOW server_version');
    return `PostgreSQL ${row?.server_version}`;
  } finally {
    await store.close();
  }
}
