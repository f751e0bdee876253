import Database from 'better-sqlite3';
import { FlatMachineError } from '../../errors.ts';

/** SQLite's own name of what went wrong, e.g. `SQLITE_FULL`, or null for other errors. */
export function sqliteCode(error: unknown): string | null {
  return error instanceof Database.SqliteError ? error.code : null;
}

/** Whether another process holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false;
}

/** Whether what was read is damaged. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== null && (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_IOERR_READ'));
}

/** Any error of the store as one of ours: those that are already stay as they are. */
export function backendError(path: string, error: unknown): FlatMachineError {
  if (error instanceof FlatMachineError) return error;
  const code = sqliteCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return new FlatMachineError('backend', `the store ${path} failed: ${message}${code ? ` (${code})` : ''}`, {
    cause: error,
    ...(code === null ? {} : { details: { sqlite_code: code } }),
  });
}
