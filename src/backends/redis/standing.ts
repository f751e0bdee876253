import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { ExecutionSummary } from '../interfaces.ts';
import { summarize } from '../summary.ts';

/** What a script is told about the newest step: parent, status, state, updated_at, score, error. */
export function standing(snapshot: MachineSnapshot): [string, string, string, string, number, string] {
  const { parent_execution_id, status, state, updated_at, error } = summarize(snapshot, snapshot.created_at);
  return [
    parent_execution_id ?? '',
    status,
    state,
    updated_at,
    scoreOf(updated_at),
    error === null ? '' : JSON.stringify(error),
  ];
}

/** What an execution is, for as long as its origin stays the same. */
export function machineText(snapshot: MachineSnapshot): string {
  return JSON.stringify([snapshot.machine_name, snapshot.machine_file ?? null]);
}

/** The place of a time in the sets of executions: newest first. What is no time is the oldest. */
export function scoreOf(time: string): number {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : -milliseconds;
}

/** What is shown of an execution, from the fields that `SHOW_EXECUTIONS` gives; null when it is gone. */
export function readSummary(id: string, fields: readonly (string | null)[]): ExecutionSummary | null {
  const [machine, parent, status, state, step, created_at, updated_at, error] = fields;
  if (!status) return null;
  const [machine_name, machine_file] = JSON.parse(machine as string) as [string, string | null];
  return {
    execution_id: id,
    machine_name,
    machine_file,
    status: status as ExecutionSummary['status'],
    state: state as string,
    step: Number(step),
    parent_execution_id: parent || null,
    created_at: created_at as string,
    updated_at: updated_at as string,
    error: error ? (JSON.parse(error) as string) : null,
  };
}
