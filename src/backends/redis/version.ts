import type { BackendUrl } from '../url.ts';
import { openStore } from './connection.ts';

/** What the server at a URL says that it is: `Redis 7.0.15`, `Valkey 8.1.1`. @throws FlatMachineError `backend`, and as opening does */
export async function redisVersion(url: BackendUrl): Promise<string> {
  const store = await openStore(url);
  try {
    const info = String(await store.command('INFO', 'server'));
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
    // Valkey gives the version of Redis that it stands in for, too.
    const valkey = field('valkey_version');
    return valkey === undefined ? `Redis ${field('redis_version')}` : `Valkey ${valkey}`;
  } finally {
    await store.close();
  }
}
