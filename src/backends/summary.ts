import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { ExecutionFilter, ExecutionSummary } from './interfaces.ts';

/** What `flatmachine ls` shows of an execution whose newest record is `snapshot`. */
export function summarize(snapshot: MachineSnapshot, createdAt: string): ExecutionSummary {
  return {
    execution_id: snapshot.execution_id,
    machine_name: snapshot.machine_name,
    machine_file: snapshot.machine_file ?? null,
    status: snapshot.status,
    state: snapshot.next_state ?? snapshot.current_state,
    step: snapshot.step,
    parent_execution_id: snapshot.parent_execution_id ?? null,
    created_at: createdAt,
    updated_at: snapshot.created_at,
    error: snapshot.error?.message ?? null,
  };
}

/** Whether `filter` asks for this execution; `limit` is not looked at. */
export function matchesFilter(summary: ExecutionSummary, filter: ExecutionFilter): boolean {
  if (filter.status && !filter.status.includes(summary.status)) return false;
  if (filter.parent !== undefined && filter.parent !== summary.parent_execution_id) return false;
  return (
    filter.updated_before === undefined || Date.parse(summary.updated_at) < Date.parse(filter.updated_before)
  );
}

/** Newest change first; equal times by id, so that the order is the same each time. */
export function byNewestChange(a: ExecutionSummary, b: ExecutionSummary): number {
  return compare(b.updated_at, a.updated_at) || compare(a.execution_id, b.execution_id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
