import type { SignalBackend } from '../interfaces.ts';
import { describeWait, type WaitRow } from '../wait-row.ts';
import { deadOnes } from './lease-rows.ts';
import type { PostgresStore } from './store.ts';

/**
 * Waits of executions that were not put to rest by somebody (interrupted, at a limit) and that nobody alive holds. $1: holders that are dead, whatever their
 * leases say.
 */
const PARKED = `
  coalesce((SELECT e.status FROM executions e WHERE e.execution_id = w.execution_id), 'waiting') IN ('waiting', 'running')
  AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.key = w.execution_id AND l.expires_at > clock_timestamp() AND l.holder <> ALL ($1::text[]))`;

/** `ready` is a hint where it comes from a child: that one may have been resumed or deleted since. */
const READY = `
  (SELECT w.* FROM waits w WHERE w.ready AND (w.channel IS NOT NULL OR has_ended(w.id)) AND ${PARKED} ORDER BY w.id LIMIT $3)
  UNION
  (SELECT w.* FROM waits w WHERE w.deadline <= $2 AND ${PARKED} ORDER BY w.deadline, w.id LIMIT $3)
  ORDER BY id LIMIT $3`;

const NEXT_DEADLINE = `
  SELECT w.deadline FROM waits w WHERE w.deadline IS NOT NULL AND ${PARKED} ORDER BY w.deadline LIMIT 1`;

/** The holders there are, each found by one look into the index: they are as many as there are processes. */
const HOLDERS = `
  WITH RECURSIVE h (holder) AS (
    (SELECT holder FROM leases ORDER BY holder LIMIT 1)
    UNION ALL SELECT (SELECT l.holder FROM leases l WHERE l.holder > h.holder ORDER BY l.holder LIMIT 1) FROM h WHERE h.holder IS NOT NULL
  ) SELECT holder FROM h WHERE holder IS NOT NULL`;

/** Makes the list of a store's waits that are ready. Both answers cost what they return, not what waits. */
export function createReadyList(store: PostgresStore): Pick<SignalBackend, 'ready' | 'nextDeadline'> {
  async function deadHolders(): Promise<string[]> {
    const rows = await store.query<{ holder: string }>('holders', HOLDERS);
    return deadOnes(rows.map(({ holder }) => holder));
  }

  return {
    async ready(now, limit) {
      if (limit < 1) return [];
      const rows = await store.query<WaitRow>('ready', READY, [await deadHolders(), now, limit]);
      return rows.map(describeWait);
    },
    async nextDeadline() {
      const [row] = await store.query<{ deadline: number }>('next_deadline', NEXT_DEADLINE, [
        await deadHolders(),
      ]);
      return row?.deadline ?? null;
    },
  };
}
