import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';

/**
 * Stops a process with SIGSTOP at a moment at which it is not inside a write transaction of this SQLite file: one that is keeps everybody else
 * out for as long as it sleeps, which is SQLite's doing and not what a test of leases is about.
 */
export async function stopOutsideTransaction(child: ChildProcess, file: string): Promise<void> {
  const database = new Database(file, { timeout: 0 });
  try {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      child.kill('SIGSTOP');
      if (isFree(database)) return;
      child.kill('SIGCONT');
      await sleep(1);
    }
  } finally {
    database.close();
  }
  throw new Error(`process ${child.pid} was inside a transaction each time it was stopped`);
}

function isFree(database: Database.Database): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
  } catch (thrown) {
    if (thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')) return false;
    throw thrown;
  }
  database.exec('ROLLBACK');
  return true;
}
