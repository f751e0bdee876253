import { FlatMachineError } from '../errors.ts';
import { setOwn } from '../json.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** What a resume may change. */
export interface ResumeChange {
  /** Go on with this state instead. */
  from?: string | undefined;
  /** Context keys to set, e.g. `{ approved: true }`. */
  set?: JsonObject | undefined;
  /** Go on although the machine file is another one than at the start. */
  allowDrift?: boolean | undefined;
  /** false = a failed execution stays failed: what it may still own is given back, and its result returned. Default true: it tries the failed state again. */
  retry?: boolean | undefined;
}

/**
 * The record a resume goes on from: the last one, or, when the caller changes something, a new one (`step` is then one more) that is
 * still to be saved, so that the change has an identity of its own in the history.
 * @throws FlatMachineError `config-drift`, `unknown-state`
 */
export function prepareResume(
  machine: CompiledMachine,
  last: MachineSnapshot,
  change: ResumeChange,
  now: number,
  epoch: number,
): MachineSnapshot {
  if (last.config_hash !== machine.configHash && change.allowDrift !== true) {
    throw new FlatMachineError(
      'config-drift',
      `${machine.file ?? machine.name} has changed since this execution was started`,
    );
  }
  const next = change.from ?? last.next_state;
  const timeout = next === null ? undefined : machine.states.get(next)?.timeout;
  if (next !== null && timeout === undefined) {
    throw new FlatMachineError('unknown-state', `machine "${machine.name}" has no state "${next}"`);
  }
  const { deadline, error: _error, ...kept } = last;
  const status = last.status === 'limit' || last.status === 'waiting' ? last.status : 'running';
  const edited = change.from !== undefined || change.set !== undefined;
  const resumed: MachineSnapshot = {
    ...kept,
    status: edited && status === 'waiting' ? 'running' : status,
    next_state: next,
    epoch,
  };
  if (edited) {
    delete resumed.waiting_channel;
    delete resumed.journal_told;
    resumed.step = last.step + 1;
    resumed.work_step = last.step + 2;
    resumed.created_at = new Date(now).toISOString();
    resumed.event = 'resume';
    resumed.context = { ...last.context };
    for (const [key, value] of Object.entries<JsonValue>(change.set ?? {}))
      setOwn(resumed.context, key, value);
  }
  const until = nextDeadline(last, deadline, edited, timeout ?? null, now);
  if (until !== null) resumed.deadline = until;
  return resumed;
}

/** A crash does not stop the clock of a state's timeout; an interruption does; a retry gets a new one. */
function nextDeadline(
  last: MachineSnapshot,
  deadline: number | undefined,
  edited: boolean,
  timeout: number | null,
  now: number,
): number | null {
  if (timeout === null) return null;
  const fresh = now + timeout * 1000;
  if (edited || deadline === undefined) return fresh;
  if (last.status === 'running' || last.status === 'waiting') return deadline;
  if (last.status === 'interrupted') return deadline + Math.max(0, now - Date.parse(last.created_at));
  return fresh;
}
