import type { RedisStore } from './connection.ts';

/** Writes and tells nothing, but needs the right to do so. */
const TRY = `
redis.call('DEL', KEYS[1] .. ':nothing')
redis.call('PUBLISH', KEYS[1] .. ':nothing', '')
`;

/**
 * Checks that this user may write, run scripts and tell others: a script that is refused halfway would leave half of what it does.
 * @throws FlatMachineError `backend` when the server refuses, or is a replica
 */
export async function checkAccess(store: RedisStore): Promise<void> {
  await store.script(TRY)();
}
