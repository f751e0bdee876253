import { staleFence } from '../failures.ts';
import type { Fence } from '../interfaces.ts';
import type { SqliteStore } from './database.ts';

/** Makes the check that every fenced write begins with, inside its own transaction. @throws FlatMachineError `lease-lost` from the check */
export function createFenceCheck(store: SqliteStore): (fence: Fence) => void {
  const find = store.connection
    .prepare<[number, string]>('SELECT 1 FROM leases WHERE token = ? AND key = ?')
    .pluck();
  return (fence) => {
    if (find.get(fence.token, fence.key) === undefined) throw staleFence(fence);
  };
}
