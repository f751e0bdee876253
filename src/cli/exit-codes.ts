import { type ErrorCode, FlatMachineError } from '../errors.ts';
import type { ExecutionStatus } from '../events.ts';

/** What the process ends with. */
export const EXIT = {
  /** Done; for a run: `completed`. */
  ok: 0,
  /** The execution failed, or the command could not do what it was asked for. */
  failed: 1,
  /** Bad usage, or a machine that cannot run. */
  usage: 2,
  /** Stopped at a limit; can be resumed. */
  limit: 3,
  /** Waits for something; resumed when that comes. */
  waiting: 4,
  /** Stopped by SIGINT or SIGTERM; can be resumed. */
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_STATUS: Record<ExecutionStatus, ExitCode> = {
  completed: EXIT.ok,
  failed: EXIT.failed,
  cancelled: EXIT.failed,
  limit: EXIT.limit,
  waiting: EXIT.waiting,
  interrupted: EXIT.interrupted,
  // A run that returns has left this status; seen only when another process still runs the execution.
  running: EXIT.failed,
};

/** Errors that no second try mends: the caller has to change something first. */
const USAGE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'usage',
  'invalid-machine',
  'file-not-found',
  'unknown-state',
  'execution-not-found',
  'execution-exists',
  'config-drift',
  'invalid-id',
  'already-exists',
  'not-found',
  'hook-load',
  'missing-package',
  'unknown-backend',
  'unknown-runner',
]);

/** The exit code of a run that ended or stopped with this status. */
export function exitCodeOfStatus(status: ExecutionStatus): ExitCode {
  return BY_STATUS[status];
}

/** The exit code of a command that threw. */
export function exitCodeOfError(error: unknown): ExitCode {
  return error instanceof FlatMachineError && USAGE_ERRORS.has(error.code) ? EXIT.usage : EXIT.failed;
}
