import { randomUUID } from 'node:crypto';
import { FlatMachineError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import { systemClock } from '../../types.ts';
import { journalConflict } from '../failures.ts';
import type { JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import { type Bucket, each } from './bucket.ts';
import { entryObject, journalOf } from './keys.ts';
import { decodeEntry, entryRecord, hasNonce } from './record.ts';

/**
 * Journals in S3: an object per entry. Their order is that of the clock, but never before an entry that this process has added or read: whoever takes up
 * another's work reads its journal first. A fence cannot be checked here; a mixed set does that before it asks.
 */
export function createS3Journal(bucket: Bucket): JournalBackend {
  let last = 0;

  return {
    async append(executionId, work, key, value) {
      checkId(executionId);
      checkJournalKey(key);
      const text = JSON.stringify(toJson(value, `journal entry ${key}`));
      last = Math.max(last + 1, systemClock.now() * 1000);
      const nonce = randomUUID();
      const there = await bucket.create(
        entryObject(executionId, work, key),
        entryRecord(key, text, last, nonce),
        (found) => hasNonce(found, nonce),
      );
      if (there !== null) throw journalConflict(executionId, work, key);
    },

    async entries(executionId, work) {
      checkId(executionId);
      const objects = await bucket.list(journalOf(executionId, work));
      const found = await each(objects, async (object) => {
        const text = await bucket.get(object);
        try {
          return text === null ? null : decodeEntry(text);
        } catch (cause) {
          // A run that went on without it would do the work of the entry again.
          throw new FlatMachineError('backend', `${object} in ${bucket.address.shown} is damaged`, {
            cause,
            remedy: 'Restore the object, or delete the execution.',
          });
        }
      });
      const entries = found.filter((entry) => entry !== null).sort((a, b) => a.order - b.order);
      last = Math.max(last, entries.at(-1)?.order ?? 0);
      return new Map(entries.map(({ key, value }) => [key, value]));
    },
  };
}
