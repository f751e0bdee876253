import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Database } from 'better-sqlite3';
import { storeClosed } from '../failures.ts';
import type { Durability } from '../interfaces.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';
import { openConnection } from './connection.ts';
import { createGroupCommit, type GroupCommit } from './group-commit.ts';
import { migrate } from './schema.ts';
import { backendError, isBusy } from './sqlite-errors.ts';

/** Milliseconds that opening and reading wait for another process's exclusive moment (recovery, last close). */
const READ_BUSY_LIMIT = 30_000;

/** Milliseconds the write lock is waited for inside SQLite; after that the event loop turns, so that heartbeats go on. */
const WRITE_BUSY_TIMEOUT = 2;

/** Bytes that the write-ahead log is cut back to after a checkpoint. */
const WAL_SIZE_LIMIT = 16 * 1024 * 1024;

/** Told of each result that this process has committed to the file. */
export type ResultListener = (key: string, json: string) => void;

/** One open file, as one {@link BackendSet} sees it. */
export interface SqliteStore {
  readonly connection: Database;
  /** Absolute path of the file. */
  readonly path: string;
  /** Everybody in this process who waits for results in this file. */
  readonly resultListeners: Set<ResultListener>;
  /** Everybody in this process who watches for executions that become ready. */
  readonly readyListeners: ReadyListeners;
  /** Runs a read. @throws FlatMachineError `backend` */
  read<T>(work: () => T): T;
  /** Runs a write, see {@link GroupCommit.run}. */
  write<T>(work: () => T): Promise<T>;
  /** Waits for the writes that were asked for and lets go of the file. Idempotent. */
  close(): Promise<void>;
}

interface SharedFile {
  connection: Database;
  group: GroupCommit;
  resultListeners: Set<ResultListener>;
  readyListeners: ReadyListeners;
  users: number;
}

/** One connection per process, file and durability: that is what makes group commit see everything. */
const openFiles = new Map<string, SharedFile>();

/**
 * Opens a file, creating it (mode 0600) and its directory (0700) as needed.
 * @throws FlatMachineError `backend`
 */
export function openStore(location: string, durability: Durability): SqliteStore {
  const path = resolve(location);
  const id = `${durability}:${path}`;
  const file = openFiles.get(id) ?? openFile(path, durability);
  openFiles.set(id, file);
  file.users++;
  let closed = false;

  return {
    connection: file.connection,
    path,
    resultListeners: file.resultListeners,
    readyListeners: file.readyListeners,
    read(work) {
      if (closed) throw storeClosed();
      return retryBusy(path, work);
    },
    write(work) {
      return closed ? Promise.reject(storeClosed()) : file.group.run(work);
    },
    async close() {
      if (closed) return;
      closed = true;
      await file.group.idle();
      if (--file.users > 0) return;
      openFiles.delete(id);
      file.connection.close();
    },
  };
}

function openFile(path: string, durability: Durability): SharedFile {
  return retryBusy(path, () => {
    makeDirectory(dirname(path));
    closeSync(openSync(path, 'a', 0o600));
    const connection = openConnection(path, READ_BUSY_LIMIT);
    try {
      configure(connection, durability);
      return {
        connection,
        group: createGroupCommit(connection),
        resultListeners: new Set(),
        readyListeners: createReadyListeners(),
        users: 0,
      };
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

/** Not `mkdirSync` with `recursive`: that never returns (Node 20) where the system answers ENOENT, as in /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function configure(connection: Database, durability: Durability): void {
  connection.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'power-loss' ? 'FULL' : 'NORMAL'};
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT};
    PRAGMA foreign_keys = ON;
  `);
  migrate(connection);
  connection.exec(`PRAGMA busy_timeout = ${WRITE_BUSY_TIMEOUT}`);
}

/** Readers are hardly ever kept waiting in WAL mode, and briefly: sleeping through it keeps every read synchronous. */
function retryBusy<T>(path: string, work: () => T): T {
  const deadline = performance.now() + READ_BUSY_LIMIT;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw backendError(path, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
