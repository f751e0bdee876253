import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import type { PersistenceBackend } from '../interfaces.ts';
import { checkId, parsePrefix, parseStepKey } from '../keys.ts';
import { decodeEvents, decodeSnapshot, type StepRow } from '../step-record.ts';
import { listExecutions } from './execution-list.ts';
import { stepRows } from './step-row.ts';
import { createStepWriter } from './step-writer.ts';
import type { PostgresStore } from './store.ts';

const KEYS = `
  SELECT e.execution_id, s.step FROM executions e JOIN steps s ON s.execution = e.id`;

/** How many steps `history` reads at a time: the whole of a long one is never in memory twice. */
const PAGE = 100;

const ONE = stepRows('AND s.step = $2');
const NEWEST = stepRows('AND s.step < $2 ORDER BY s.step DESC LIMIT 1');
const AFTER = `${stepRows(`AND s.step > $2 ORDER BY s.step LIMIT ${PAGE}`)} ORDER BY s.step`;

/** Steps in PostgreSQL: one row each, written once, in one transaction with the check of the fence. */
export function createPostgresPersistence(
  store: PostgresStore,
  onWarning: (message: string) => void,
): PersistenceBackend {
  function rowOf(executionId: string, step: number): Promise<StepRow[]> {
    return store.query('step', ONE, [executionId, step]);
  }

  function page(executionId: string, after: number): Promise<StepRow[]> {
    return store.query('steps_after', AFTER, [executionId, after]);
  }

  /** What a row holds, or null when it is damaged, which is told. */
  function readable<T>(row: StepRow, decode: (row: StepRow) => T): T | null {
    try {
      return decode(row);
    } catch (error) {
      const key = stepKey(row.execution_id, row.step);
      onWarning(`${key} is damaged and was skipped: ${(error as Error).message}`);
      return null;
    }
  }

  async function keys(name: string, where: string, values: readonly unknown[]): Promise<string[]> {
    const rows = await store.query<{ execution_id: string; step: number }>(
      name,
      `${KEYS} WHERE ${where} ORDER BY e.execution_id, s.step`,
      values,
    );
    return rows.map((row) => stepKey(row.execution_id, row.step));
  }

  async function setCancel(executionId: string, requested: boolean): Promise<void> {
    await store.query(
      'set_cancel',
      'UPDATE executions SET cancel_requested = $2 WHERE execution_id = $1 AND cancel_requested <> $2',
      [storable(executionId), requested],
    );
  }

  return {
    save: createStepWriter(store, onWarning),

    async load(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return null;
      const [row] = await rowOf(storable(parsed.executionId), parsed.step);
      if (!row) return null;
      try {
        return decodeSnapshot(row);
      } catch (cause) {
        throw new FlatMachineError('backend', `the record ${key} in ${store.settings.shown} is damaged`, {
          cause,
        });
      }
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return;
      await store.query('delete_step', 'SELECT delete_step($1, $2)', [
        storable(parsed.executionId),
        parsed.step,
      ]);
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      if (idPrefix.includes('\0')) return [];
      if (!exact)
        return keys('keys_from', 'e.execution_id BETWEEN $1 AND $1 || repeat(chr(1114111), 200)', [idPrefix]);
      return (await keys('keys_of', 'e.execution_id = $1', [idPrefix])).filter((key) =>
        key.startsWith(prefix),
      );
    },

    async latest(executionId) {
      checkId(executionId);
      let found: MachineSnapshot | null = null;
      let before = Number.MAX_SAFE_INTEGER;
      for (;;) {
        const [row] = await store.query<StepRow>('newest_step', NEWEST, [executionId, before]);
        if (!row) break;
        found = readable(row, decodeSnapshot);
        if (found) return found;
        before = row.step;
      }
      if (before === Number.MAX_SAFE_INTEGER) return null;
      throw new FlatMachineError(
        'backend',
        `no record of ${executionId} in ${store.settings.shown} is readable`,
        {
          remedy: 'Restore the database from a copy.',
        },
      );
    },

    async history(executionId) {
      checkId(executionId);
      const records = [];
      for (let after = -1; ; ) {
        const rows = await page(executionId, after);
        for (const row of rows) {
          const snapshot = readable(row, decodeSnapshot);
          if (snapshot) records.push({ snapshot, events: decodeEvents(row, snapshot) });
        }
        if (rows.length < PAGE) return records;
        after = rows.at(-1)?.step as number;
      }
    },

    executions: (filter) => listExecutions(store, filter),

    async deleteExecution(executionId) {
      checkId(executionId);
      await store.query('delete_execution', 'SELECT delete_execution($1)', [executionId]);
      store.readyListeners.changed();
    },

    requestCancel: (executionId) => setCancel(executionId, true),

    async cancelRequested(executionId) {
      const rows = await store.query<{ cancel_requested: boolean }>(
        'get_cancel',
        'SELECT cancel_requested FROM executions WHERE execution_id = $1',
        [storable(executionId)],
      );
      return rows[0]?.cancel_requested ?? false;
    },

    withdrawCancel: (executionId) => setCancel(executionId, false),
  };
}

/** An id that cannot be stored is nobody's: the empty one is not either. */
function storable(id: string): string {
  return id.includes('\0') ? '' : id;
}
