import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { journalConflict } from '../failures.ts';
import type { JournalBackend } from '../interfaces.ts';
import { checkId, checkJournalKey } from '../keys.ts';
import { checkFence, type MemoryStore } from './store.ts';

/** Journal entries of one process, by execution, work and key. */
export interface MemoryJournal extends JournalBackend {
  /** Removes the entries of an execution's work up to `work`; `Infinity` = all. */
  forget(executionId: string, work: number): void;
}

/** Makes the journal of a memory store. */
export function createMemoryJournal(store: MemoryStore): MemoryJournal {
  const byExecution = new Map<string, Map<number, Map<string, JsonValue>>>();

  function entriesOf(executionId: string, work: number): Map<string, JsonValue> {
    const works = byExecution.get(executionId) ?? new Map<number, Map<string, JsonValue>>();
    byExecution.set(executionId, works);
    const entries = works.get(work) ?? new Map<string, JsonValue>();
    works.set(work, entries);
    return entries;
  }

  return {
    async append(executionId, work, key, value, fence) {
      checkId(executionId);
      checkJournalKey(key);
      const copy = toJson(value, `journal entry ${key}`);
      if (fence) checkFence(store, fence);
      const entries = entriesOf(executionId, work);
      if (entries.has(key)) throw journalConflict(executionId, work, key);
      entries.set(key, copy);
    },
    async entries(executionId, work) {
      checkId(executionId);
      const entries = byExecution.get(executionId)?.get(work) ?? [];
      return new Map([...entries].map(([key, value]) => [key, toJson(value)]));
    },
    forget(executionId, work) {
      const works = byExecution.get(executionId);
      if (works === undefined) return;
      for (const known of works.keys()) if (known <= work) works.delete(known);
      if (works.size === 0) byExecution.delete(executionId);
    },
  };
}
