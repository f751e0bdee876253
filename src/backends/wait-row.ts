import type { Wait } from './interfaces.ts';
import { formatSignalId } from './signal-id.ts';

/** A row of `waits`. */
export interface WaitRow {
  id: number;
  execution_id: string;
  work: number;
  /** Null = it waits for children. */
  channel: string | null;
  deadline: number | null;
  /** `signals.id` of what it was given. */
  signal: number | null;
}

/** A row as others see it. */
export function describeWait({ execution_id, work, channel, deadline, signal }: WaitRow): Wait {
  return {
    execution_id,
    work,
    channel,
    deadline,
    signal_id: signal === null ? null : formatSignalId(signal),
  };
}
