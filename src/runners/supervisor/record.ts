import { FlatMachineError } from '../../errors.ts';

/** What is kept of one stream of a command. */
export interface StreamRecord {
  /** Bytes that the command wrote. */
  total: number;
  /** Bytes in the head file. */
  head: number;
  /** Bytes in the tail file that was full, and in the one that was being written. */
  older: number;
  newer: number;
  /** 1 or 2: which tail file is the newer; 0 when there is none. */
  which: number;
  /** Whether something was lost because the box's disk was full. */
  lossy: boolean;
}

/** A command's result as the journal in the box holds it. */
export interface CommandRecord {
  /** The exit code; null when the command was never seen to end. */
  code: number | null;
  /** What ended it, if it was the supervisor. */
  why: 'timeout' | 'cancelled' | 'output_capped' | null;
  durationMs: number;
  /** Whether the kernel killed something in the box for want of memory meanwhile. */
  oom: boolean;
  stdout: StreamRecord;
  stderr: StreamRecord;
}

const FIELDS = 19;

/** Reads a line `end CODE WHY BEGAN ENDED OOM <6 of stdout> <6 of stderr> .` */
export function parseRecord(line: string): CommandRecord {
  const words = line.trim().split(/\s+/);
  if (words[0] !== 'end' || words.length !== FIELDS || words[FIELDS - 1] !== '.') {
    throw new FlatMachineError(
      'supervisor',
      `the journal holds no result: ${JSON.stringify(line.slice(0, 200))}`,
    );
  }
  const numbers = words.map(Number);
  const at = (index: number) => numbers[index] as number;
  const stream = (from: number): StreamRecord => ({
    total: at(from),
    head: at(from + 1),
    older: at(from + 2),
    newer: at(from + 3),
    which: at(from + 4),
    lossy: at(from + 5) !== 0,
  });
  return {
    code: words[1] === '-' ? null : at(1),
    why: words[2] === '-' ? null : (words[2] as NonNullable<CommandRecord['why']>),
    durationMs: Math.max(0, at(4) - at(3)) * 10,
    oom: at(5) !== 0,
    stdout: stream(6),
    stderr: stream(12),
  };
}
