import type { BackendSet } from '../backends/interfaces.ts';
import type { ExecutionStatus } from '../events.ts';

/** How many children of an execution are looked at to count them. */
const COUNTED = 1_000;

/** `17`, `1000+`, or nothing when there are none. Direct children alone. */
export async function childCount({ persistence }: BackendSet, executionId: string): Promise<string> {
  const { length } = await persistence.executions({ parent: executionId, limit: COUNTED + 1 });
  if (length === 0) return '';
  return length > COUNTED ? `${COUNTED}+` : String(length);
}

/** The direct children of an execution by their status. */
export async function childrenByStatus(
  { persistence }: BackendSet,
  executionId: string,
): Promise<Partial<Record<ExecutionStatus, number>>> {
  const counts: Partial<Record<ExecutionStatus, number>> = {};
  for (const { status } of await persistence.executions({ parent: executionId })) {
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** `3 running · 120 completed`. */
export function describeCounts(counts: Partial<Record<ExecutionStatus, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(' · ');
}
