import type { SignalBackend, Wait } from '../interfaces.ts';
import { isDead, leaseClock, type ProcessIdentity } from '../process-identity.ts';
import { describeWait, type WaitRow } from '../wait-row.ts';
import type { SqliteStore } from './database.ts';

/** A wait with the lease of its execution. */
interface CandidateRow extends WaitRow {
  holder: string | null;
  expires: number | null;
}

/**
 * Waits of executions that were not put to rest by somebody (interrupted, at a limit), with their leases: of those whose holder lives, somebody takes
 * care, and whether it does only this process can tell, not SQL.
 */
const PARKED = `
  SELECT w.*, l.holder, l.expires
  FROM waits w LEFT JOIN leases l ON l.key = w.execution_id LEFT JOIN executions e ON e.execution_id = w.execution_id
  WHERE (e.status IS NULL OR e.status IN ('waiting', 'running'))`;

/** `ready` is a hint where it comes from a child: that one may have been resumed or deleted since. */
const READY = `${PARKED} AND w.ready = 1 AND (w.channel IS NOT NULL OR EXISTS (
    SELECT 1 FROM awaited a JOIN executions c ON c.execution_id = a.child
    WHERE a.wait = w.id AND c.status IN ('completed', 'failed', 'cancelled')))
  ORDER BY w.id`;

const BY_DEADLINE = `${PARKED} AND w.deadline IS NOT NULL AND w.deadline <= ? ORDER BY w.deadline`;

/** {@link SignalBackend.ready} and {@link SignalBackend.nextDeadline}, as reads. */
export interface ReadyList {
  ready(now: number, limit: number): Wait[];
  nextDeadline(): number | null;
}

/** Makes the list of a store's waits that are ready. Both answers cost what they return, not what waits. */
export function createReadyList(store: SqliteStore): ReadyList {
  const ready = store.connection.prepare<[], CandidateRow>(READY);
  const byDeadline = store.connection.prepare<[number], CandidateRow>(BY_DEADLINE);

  return {
    ready(now, limit) {
      if (limit < 1) return [];
      const isParked = createParkedCheck();
      const found = [
        ...take(ready.iterate(), limit, isParked),
        ...take(byDeadline.iterate(now), limit, isParked),
      ].sort((a, b) => a.id - b.id);
      return found
        .filter((row, i) => row.id !== found[i - 1]?.id)
        .slice(0, limit)
        .map(describeWait);
    },
    nextDeadline() {
      const [earliest] = take(byDeadline.iterate(Number.MAX_VALUE), 1, createParkedCheck());
      return earliest?.deadline ?? null;
    },
  };
}

function take(
  rows: Iterable<CandidateRow>,
  limit: number,
  accept: (row: CandidateRow) => boolean,
): CandidateRow[] {
  const taken: CandidateRow[] = [];
  for (const row of rows) {
    if (accept(row) && taken.push(row) >= limit) break;
  }
  return taken;
}

/** Whether nobody who lives has the lease. Looks at each process once, however many it holds. */
function createParkedCheck(): (row: CandidateRow) => boolean {
  const now = leaseClock();
  const dead = new Map<string, boolean>();
  return ({ holder, expires }) => {
    if (holder === null || expires === null || expires <= now) return true;
    const known = dead.get(holder) ?? isDead(JSON.parse(holder) as ProcessIdentity);
    dead.set(holder, known);
    return known;
  };
}
