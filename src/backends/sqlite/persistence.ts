import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import type { PersistenceBackend, StepRecord } from '../interfaces.ts';
import { checkId, parsePrefix, parseStepKey } from '../keys.ts';
import { decodeEvents, decodeSnapshot, type StepRow } from '../step-record.ts';
import type { SqliteStore } from './database.ts';
import { createExecutionList } from './execution-list.ts';
import { isCorrupt } from './sqlite-errors.ts';
import { createStepWriter } from './step-writer.ts';
import { createWorkOver } from './work-over.ts';

const STEP_ROW = `
  SELECT e.execution_id, s.step, s.created_at, s.body, s.events, s.checksum, o.body AS origin
  FROM executions e JOIN steps s ON s.execution = e.id LEFT JOIN origins o ON o.id = s.origin
  WHERE e.execution_id = ?`;

/** Steps in SQLite: one row each, written once, in one transaction with the check of the fence. */
export function createSqlitePersistence(
  store: SqliteStore,
  onWarning: (message: string) => void,
): PersistenceBackend {
  const { connection } = store;
  const work = createWorkOver(store);
  const write = createStepWriter(store, work, onWarning);
  const listExecutions = createExecutionList(connection);
  const one = connection.prepare<[string, number], StepRow>(`${STEP_ROW} AND s.step = ?`);
  const newest = connection.prepare<[string], StepRow>(`${STEP_ROW} ORDER BY s.step DESC LIMIT 1`);
  const steps = connection
    .prepare<[string], number>(
      'SELECT step FROM steps WHERE execution = (SELECT id FROM executions WHERE execution_id = ?) ORDER BY step',
    )
    .pluck();
  const idsFrom = connection
    .prepare<[string], string>(
      'SELECT execution_id FROM executions WHERE execution_id >= ? ORDER BY execution_id',
    )
    .pluck();
  const remove = connection.prepare<[string, number]>(
    'DELETE FROM steps WHERE execution = (SELECT id FROM executions WHERE execution_id = ?) AND step = ?',
  );
  const removeExecution = connection.prepare<[string]>('DELETE FROM executions WHERE execution_id = ?');
  const removeResults = connection.prepare<[string]>('DELETE FROM results WHERE execution_id = ?');
  const setCancel = connection.prepare<[number, string]>(
    'UPDATE executions SET cancel_requested = ? WHERE execution_id = ?',
  );
  const getCancel = connection
    .prepare<[string], number>('SELECT cancel_requested FROM executions WHERE execution_id = ?')
    .pluck();

  /** The record, or null when it is not there or damaged; the latter is told. */
  function readable<T>(executionId: string, step: number, decode: (row: StepRow) => T): T | null {
    try {
      const row = one.get(executionId, step);
      return row ? decode(row) : null;
    } catch (error) {
      if (error instanceof Error && error.name === 'SqliteError' && !isCorrupt(error)) throw error;
      onWarning(`${stepKey(executionId, step)} is damaged and was skipped: ${(error as Error).message}`);
      return null;
    }
  }

  /** Slow, for when the newest record is damaged: step by step backwards. */
  function newestReadable(executionId: string): MachineSnapshot {
    for (const step of steps.all(executionId).reverse()) {
      const snapshot = readable(executionId, step, decodeSnapshot);
      if (snapshot) return snapshot;
    }
    throw new FlatMachineError('backend', `no record of ${executionId} in ${store.path} is readable`, {
      remedy: 'Restore the file from a copy.',
    });
  }

  function latest(executionId: string): MachineSnapshot | null {
    let row: StepRow | undefined;
    try {
      row = newest.get(executionId);
      return row ? decodeSnapshot(row) : null;
    } catch (error) {
      if (row === undefined && !isCorrupt(error)) throw error;
      return newestReadable(executionId);
    }
  }

  function keysOf(id: string): string[] {
    return steps.all(id).map((step) => stepKey(id, step));
  }

  function idsWithPrefix(prefix: string): string[] {
    const ids: string[] = [];
    for (const id of idsFrom.iterate(prefix)) {
      if (!id.startsWith(prefix)) break;
      ids.push(id);
    }
    return ids.sort();
  }

  return {
    save: write,

    async load(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return null;
      const row = store.read(() => one.get(parsed.executionId, parsed.step));
      if (!row) return null;
      try {
        return decodeSnapshot(row);
      } catch (cause) {
        throw new FlatMachineError('backend', `the record ${key} in ${store.path} is damaged`, { cause });
      }
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return;
      await store.write(() => {
        remove.run(parsed.executionId, parsed.step);
        if (newest.get(parsed.executionId) === undefined) removeExecution.run(parsed.executionId);
      });
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      return store.read(() =>
        exact
          ? keysOf(idPrefix).filter((key) => key.startsWith(prefix))
          : idsWithPrefix(idPrefix).flatMap(keysOf),
      );
    },

    async latest(executionId) {
      checkId(executionId);
      return store.read(() => latest(executionId));
    },

    async history(executionId) {
      checkId(executionId);
      return store.read(() =>
        steps.all(executionId).flatMap((step) => readable(executionId, step, decodeRecord) ?? []),
      );
    },

    async executions(filter = {}) {
      return store.read(() => listExecutions(filter));
    },

    async deleteExecution(executionId) {
      checkId(executionId);
      await store.write(() => {
        removeResults.run(executionId);
        removeExecution.run(executionId);
        work.over(executionId, { work: Number.MAX_SAFE_INTEGER, signal: 'returned' });
      });
      store.readyListeners.changed();
    },

    async requestCancel(executionId) {
      await store.write(() => setCancel.run(1, executionId));
    },

    async cancelRequested(executionId) {
      return store.read(() => getCancel.get(executionId)) === 1;
    },

    async withdrawCancel(executionId) {
      await store.write(() => setCancel.run(0, executionId));
    },
  };
}

function decodeRecord(row: StepRow): StepRecord {
  const snapshot = decodeSnapshot(row);
  return { snapshot, events: decodeEvents(row, snapshot) };
}
