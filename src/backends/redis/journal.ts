import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { journalConflict, staleFence } from '../failures.ts';
import type { Fence, JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import type { RedisStore } from './connection.ts';
import { seal, unseal } from './damage.ts';
import { fenceArguments } from './fence.ts';
import { APPEND } from './lua/journal.ts';
import { drawNonce } from './nonce.ts';

/** Journals on a redis server: a hash for each piece of work. What ends them is in `lua/delivery.ts`. */
export function createRedisJournal(store: RedisStore): JournalBackend {
  const append = store.script(APPEND);

  return {
    async append(executionId, work, key, value, fence) {
      checkId(executionId);
      checkJournalKey(key);
      const entry = seal(JSON.stringify(toJson(value, `journal entry ${key}`)), key);
      const outcome = await append(executionId, work, key, drawNonce(), entry, ...fenceArguments(fence));
      if (outcome === 'stale') throw staleFence(fence as Fence);
      if (outcome === 'conflict') throw journalConflict(executionId, work, key);
    },

    async entries(executionId, work) {
      checkId(executionId);
      const flat = (await store.command('HGETALL', store.key('journal', work, executionId))) as string[];
      const entries: { place: number; key: string; value: JsonValue }[] = [];
      for (let i = 0; i < flat.length; i += 2) {
        const key = flat[i] as string;
        entries.push({ key, ...readEntry(flat[i + 1] as string, executionId, work, key) });
      }
      entries.sort((a, b) => a.place - b.place);
      return new Map(entries.map(({ key, value }) => [key, value]));
    },
  };
}

/** An entry as stored: nonce, place in the order, and what was sealed. @throws FlatMachineError `backend` when it is damaged */
function readEntry(
  stored: string,
  executionId: string,
  work: number,
  key: string,
): { place: number; value: JsonValue } {
  const place = stored.indexOf(' ') + 1;
  const entry = stored.indexOf(' ', place) + 1;
  const what = `journal entry ${JSON.stringify(key)} of ${executionId}, work ${work},`;
  return { place: Number(stored.slice(place, entry)), value: unseal(stored.slice(entry), what, key) };
}
