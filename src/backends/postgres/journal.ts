import { createHash, randomUUID } from 'node:crypto';
import { FlatMachineError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';
import { journalConflict, staleFence } from '../failures.ts';
import type { Fence, JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import type { Database } from './database.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { inKeyOrder } from './key-order.ts';
import type { PostgresStore } from './store.ts';

/** An entry on its way. */
interface EntryWrite {
  executionId: string;
  work: number;
  /** JSON. */
  key: string;
  value: string;
  nonce: string;
  fence: Fence | null;
}

/** What became of it, as `append_entries` says. */
const WRITTEN = 0;
const STALE = 1;

const APPEND = `SELECT append_entries($1, $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::text[],
  $9::text[], $10::bigint[]) AS outcome`;

const ENTRIES = 'SELECT key, value, checksum FROM journal WHERE execution_id = $1 AND work = $2 ORDER BY id';

/** The most entries of one transaction. */
const MOST = 256;

/** The lane that journal entries of all executions of this process take. */
function journalLane(database: Database): GroupLane<EntryWrite, number> {
  return createGroupLane({
    most: MOST,
    async commit(asked, again) {
      const { sorted: members, asAsked } = inKeyOrder(asked, ({ fence }) => fence?.key);
      const values = [
        members.map(({ executionId }) => executionId),
        members.map(({ work }) => work),
        members.map(({ key }) => createHash('sha256').update(key).digest('base64')),
        members.map(({ nonce }) => nonce),
        members.map(({ key, value }) => checksum(value, checksum(key))),
        members.map(({ key }) => key),
        members.map(({ value }) => value),
        members.map(({ fence }) => fence?.key ?? null),
        members.map(({ fence }) => fence?.token ?? null),
      ];
      const rows = await database.query<{ outcome: number }>(
        'append_entries',
        APPEND,
        (repeated) => [again || repeated, ...values],
        'writes',
      );
      return asAsked(rows.map(({ outcome }) => outcome));
    },
  });
}

/** Journals in PostgreSQL: one row per entry. What ends them is in `write_steps`. */
export function createPostgresJournal(store: PostgresStore): JournalBackend {
  /** A run that went on without it would do the work of the entry again. */
  function damaged(executionId: string, work: number, key: string): FlatMachineError {
    const entry = `journal entry ${key} of ${executionId}, work ${work},`;
    return new FlatMachineError('backend', `${entry} in ${store.settings.shown} is damaged`, {
      details: { execution_id: executionId, work, key },
      remedy: 'Restore the database from a copy, or delete the execution.',
    });
  }

  return {
    async append(executionId, work, key, value, fence) {
      checkId(executionId);
      checkJournalKey(key);
      const text = JSON.stringify(toJson(value, `journal entry ${key}`));
      const write = { executionId, work, key: JSON.stringify(key), value: text, nonce: randomUUID(), fence };
      const outcome = await store.write(journalLane, write, text.length);
      if (outcome === STALE && fence) throw staleFence(fence);
      if (outcome !== WRITTEN) throw journalConflict(executionId, work, key);
    },

    async entries(executionId, work) {
      checkId(executionId);
      const rows = await store.query<{ key: string; value: string; checksum: number }>('entries', ENTRIES, [
        executionId,
        work,
      ]);
      return new Map(
        rows.map(({ key, value, checksum: sum }) => {
          if (checksum(value, checksum(key)) !== sum) throw damaged(executionId, work, key);
          return [JSON.parse(key) as string, JSON.parse(value) as JsonValue];
        }),
      );
    },
  };
}
