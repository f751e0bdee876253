import type { LeaseStore } from '../leases.ts';
import { isDead, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import type { RedisStore } from './connection.ts';
import { GIVE, HOLDER, RENEW, TAKE } from './lua/leases.ts';
import { drawNonce } from './nonce.ts';

/** Leases on a redis server, by its clock. A holder that is seen to be dead from here, on the same host, holds nothing. */
export function createRedisLeases(store: RedisStore): LeaseStore {
  const take = store.script(TAKE);
  const renew = store.script(RENEW);
  const give = store.script(GIVE);
  const holder = store.script(HOLDER);
  const me = JSON.stringify(thisProcess);

  return {
    async take(key, ttl) {
      const nonce = drawNonce();
      const acquiredAt = new Date().toISOString();
      const ask = async (dead: string) =>
        (await take(key, ttl, me, acquiredAt, nonce, dead)) as [string, string?];
      let [token, taken] = await ask('');
      if (taken !== undefined && isSeenDead(taken)) [token, taken] = await ask(token);
      return taken === undefined ? Number(token) : null;
    },

    async renew(leases, ttl) {
      const answers = await renew(ttl, ...leases.flatMap(({ key, token }) => [key, token]));
      return (answers as number[]).map((answer) => answer === 1);
    },

    async give(leases) {
      await give(...leases.flatMap(({ key, token }) => [key, token]));
    },

    async holder(key) {
      const [text, token, acquired_at, expires_in] = (await holder(key)) as [
        string?,
        string?,
        string?,
        number?,
      ];
      if (text === undefined) return null;
      const { pid, host } = JSON.parse(text) as ProcessIdentity;
      return {
        owner: `${pid}@${host}`,
        token: Number(token),
        acquired_at: acquired_at as string,
        expires_in: isSeenDead(text) ? 0 : (expires_in as number),
      };
    },
  };
}

/** Whether the process that a lease names is certainly dead. Of one on another machine, nothing can be said. */
export function isSeenDead(holder: string): boolean {
  const identity = JSON.parse(holder) as ProcessIdentity;
  return identity.boot !== null && identity.boot === thisProcess.boot && isDead(identity);
}
