import type { MachineSnapshot } from '../machine/snapshot.ts';
import { usedBy } from './budget.ts';
import type { RunParts } from './run.ts';

/** What a step's record changes against the one before. */
export type Change = Pick<MachineSnapshot, 'status' | 'next_state' | 'context'> &
  Partial<Pick<MachineSnapshot, 'output' | 'error' | 'work_step' | 'waiting_channel'>> & { state: string };

/** The record that follows the last one. */
export function nextRecord(last: MachineSnapshot, change: Change, parts: RunParts): MachineSnapshot {
  const { budget, held, journal, launches: children } = parts;
  const { lease, recorder } = held;
  // What work that is carried over has used so far is found again in its journal.
  const { calls, cost, steps } = change.work_step === undefined ? budget.spent : usedBy(last);
  const step = last.step + 1;
  // Spelled out rather than spread: this runs once per step, and a literal of one shape is several times as fast.
  const snapshot: MachineSnapshot = {
    execution_id: last.execution_id,
    machine_name: last.machine_name,
    spec_version: last.spec_version,
    current_state: change.state,
    context: change.context,
    step,
    created_at: recorder.time(),
    total_api_calls: calls,
    total_cost: cost,
    status: change.status,
    next_state: change.next_state,
    work_step: change.work_step ?? step + 1,
    input: last.input,
    config_hash: last.config_hash,
    epoch: lease?.token ?? 0,
  };
  const deadline = deadlineAfter(last, change, parts);
  if (deadline !== undefined) snapshot.deadline = deadline;
  if (steps !== step) snapshot.total_steps = steps;
  if (change.output !== undefined) snapshot.output = change.output;
  if (change.error !== undefined) snapshot.error = change.error;
  if (change.work_step !== undefined) snapshot.journal_told = journal.size;
  if (change.waiting_channel !== undefined) snapshot.waiting_channel = change.waiting_channel;
  const launches = children.pending();
  if (launches !== null) snapshot.pending_launches = launches;
  if (last.machine_file !== undefined) snapshot.machine_file = last.machine_file;
  if (last.machine_path !== undefined) snapshot.machine_path = last.machine_path;
  if (last.options !== undefined) snapshot.options = last.options;
  if (last.parent_execution_id !== undefined) snapshot.parent_execution_id = last.parent_execution_id;
  if (last.depth !== undefined) snapshot.depth = last.depth;
  return snapshot;
}

/** Work that is carried over keeps its deadline; other work gets one if its state has a timeout. Milliseconds since the epoch. */
function deadlineAfter(
  last: MachineSnapshot,
  { next_state, work_step }: Change,
  { setup: { machine, clock } }: RunParts,
): number | undefined {
  if (work_step !== undefined) return last.deadline;
  const timeout = next_state === null ? null : machine.states.get(next_state)?.timeout;
  return timeout == null ? undefined : clock.now() + timeout * 1000;
}
