import { type ErrorCode, FlatMachineError } from '../../errors.ts';
import { Pause } from '../pause.ts';

/** Errors that are not an answer of the agent: the work itself cannot go on. No strategy may swallow them, and none is journaled. */
const STOPS_WORK: ReadonlySet<ErrorCode> = new Set([
  'lease-lost',
  'step-conflict',
  'backend',
  'cancelled',
  'interrupted',
  'sandbox-lost',
  'slot-dirty',
]);

/** Whether an error says that the work cannot go on, whatever the agent could still do: a lost lease, box or store, or a {@link Pause}. */
export function stopsWork(error: unknown): boolean {
  return error instanceof Pause || (error instanceof FlatMachineError && STOPS_WORK.has(error.code));
}

/** Whatever an agent threw, as an error. */
export function asError(thrown: unknown, agent: string): Error {
  if (thrown instanceof Error) return thrown;
  return new FlatMachineError(
    'agent',
    `agent "${agent}" threw something that is not an Error: ${String(thrown)}`,
  );
}
