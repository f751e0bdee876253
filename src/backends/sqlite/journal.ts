import { FlatMachineError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { checksum } from '../checksum.ts';
import { journalConflict } from '../failures.ts';
import type { JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import type { SqliteStore } from './database.ts';
import { createFenceCheck } from './fence-check.ts';
import { sqliteCode } from './sqlite-errors.ts';

interface EntryRow {
  key: string;
  checksum: number;
  value: string;
}

/** Journals in SQLite: one row per entry, whose id is its place in the order. What ends them is in `work-over.ts`. */
export function createSqliteJournal(store: SqliteStore): JournalBackend {
  const { connection } = store;
  const checkFence = createFenceCheck(store);
  const insert = connection.prepare<[string, number, string, number, string]>(
    'INSERT INTO journal (execution_id, work, key, checksum, value) VALUES (?, ?, ?, ?, ?)',
  );
  // The ids come sorted out of the inner query: values, which may be large, are never sorted.
  const find = connection.prepare<[string, number], EntryRow>(
    `SELECT key, checksum, value FROM journal
     WHERE id IN (SELECT id FROM journal WHERE execution_id = ? AND work = ?) ORDER BY id`,
  );

  /** A run that went on without it would do the work of the entry again. */
  function damaged(executionId: string, work: number, key: string): FlatMachineError {
    const entry = `journal entry ${JSON.stringify(key)} of ${executionId}, work ${work},`;
    return new FlatMachineError('backend', `${entry} in ${store.path} is damaged`, {
      details: { execution_id: executionId, work, key },
      remedy: 'Restore the file from a copy, or delete the execution.',
    });
  }

  return {
    async append(executionId, work, key, value, fence) {
      checkId(executionId);
      checkJournalKey(key);
      const text = JSON.stringify(toJson(value, `journal entry ${key}`));
      const sum = entryChecksum(key, text);
      await store.write(() => {
        if (fence) checkFence(fence);
        try {
          insert.run(executionId, work, key, sum, text);
        } catch (error) {
          if (sqliteCode(error) !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
          throw journalConflict(executionId, work, key);
        }
      });
    },

    async entries(executionId, work) {
      checkId(executionId);
      return store.read(() => {
        const entries = new Map<string, JsonValue>();
        for (const row of find.iterate(executionId, work)) {
          if (entryChecksum(row.key, row.value) !== row.checksum) throw damaged(executionId, work, row.key);
          entries.set(row.key, JSON.parse(row.value) as JsonValue);
        }
        return entries;
      });
    },
  };
}

function entryChecksum(key: string, value: string): number {
  return checksum(value, checksum(key));
}
