import type { WorkOver } from '../interfaces.ts';
import type { WaitRow } from '../wait-row.ts';
import type { SqliteStore } from './database.ts';
import { createSignalDelivery } from './signal-delivery.ts';

/** What ends together with a step, in the step's own transaction. */
export interface WorkEnds {
  /** Removes journal and waits of an execution's finished work. */
  over(executionId: string, over: WorkOver): void;
  /** Makes those ready who wait for this execution. */
  executionEnded(executionId: string): void;
}

/** Makes the ends of a store's work. */
export function createWorkOver(store: SqliteStore): WorkEnds {
  const { connection } = store;
  const delivery = createSignalDelivery(connection);
  const removeEntries = connection.prepare<[string, number]>(
    'DELETE FROM journal WHERE execution_id = ? AND work <= ?',
  );
  const waitsOf = connection.prepare<[string, number], WaitRow>(
    'SELECT * FROM waits WHERE execution_id = ? AND work <= ?',
  );
  const wakeParents = connection.prepare<[string]>(
    'UPDATE waits SET ready = 1 WHERE id IN (SELECT wait FROM awaited WHERE child = ?)',
  );

  return {
    over(executionId, { work, signal }) {
      removeEntries.run(executionId, work);
      for (const wait of waitsOf.all(executionId, work)) delivery.drop(wait, signal);
    },
    executionEnded(executionId) {
      wakeParents.run(executionId);
    },
  };
}
