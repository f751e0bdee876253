import type { Database } from 'better-sqlite3';
import { FlatMachineError } from '../../errors.ts';
import { backendError, isBusy, sqliteCode } from './sqlite-errors.ts';

/** Milliseconds a write waits for the other processes' writes before it fails. */
const BUSY_LIMIT = 60_000;

/** Longest pause, in milliseconds, between two tries to get the write lock. */
const BUSY_PAUSE = 4;

/** Writes of all executions of this process, gathered into shared transactions. */
export interface GroupCommit {
  /**
   * Runs `work` inside the next transaction, together with everything else that was asked for in this turn of the event loop, in
   * order. Resolves with what it returned, once COMMIT has returned.
   *
   * `work` is synchronous, throws a FlatMachineError only **before** its first write (that refuses this member and no other),
   * and has no effect beside the database, because it may run again after a rollback.
   * @throws FlatMachineError `backend` when the store failed: nothing of `work` is stored then
   */
  run<T>(work: () => T): Promise<T>;
  /** Resolves once nothing is left to write. */
  idle(): Promise<void>;
}

interface Member {
  work: () => unknown;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

type Outcome = { value: unknown } | { refused: FlatMachineError };

/** Makes the group commit of a connection. */
export function createGroupCommit(connection: Database): GroupCommit {
  const begin = connection.prepare('BEGIN IMMEDIATE');
  const commit = connection.prepare('COMMIT');
  const rollback = connection.prepare('ROLLBACK');
  let queue: Member[] = [];
  let scheduled = false;
  let busySince: number | null = null;
  let whenIdle: (() => void)[] = [];

  function flush(): void {
    scheduled = false;
    const members = queue;
    queue = [];
    if (!transact(members)) waitForLock(members);
    if (queue.length > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  }

  /** False when another process holds the write lock: nothing was done then. */
  function transact(members: readonly Member[]): boolean {
    try {
      if (connection.inTransaction) rollback.run();
      begin.run();
    } catch (error) {
      if (isBusy(error)) return false;
      rejectAll(members, error);
      return true;
    }
    busySince = null;
    const outcomes = performAll(members);
    if (outcomes === null) return true;
    try {
      commit.run();
    } catch (error) {
      undo();
      rejectAll(members, error);
      return true;
    }
    members.forEach((member, i) => {
      settle(member, outcomes[i] as Outcome);
    });
    return true;
  }

  /** Null when the transaction was given up and everybody has been dealt with. */
  function performAll(members: readonly Member[]): Outcome[] | null {
    const outcomes: Outcome[] = [];
    try {
      for (const member of members) outcomes.push(perform(member));
      return outcomes;
    } catch (error) {
      undo();
      if (members.length === 1) rejectAll(members, error);
      // One of them hit an error of the store, e.g. a value that is too big. Alone, each gets what is its own.
      else for (const member of members) if (!transact([member])) waitForLock([member]);
      return null;
    }
  }

  /** A failed statement may have rolled everything back already. A rollback that fails is tried again, and reported, by the next transaction. */
  function undo(): void {
    try {
      if (connection.inTransaction) rollback.run();
    } catch (error) {
      if (sqliteCode(error) === null) throw error;
    }
  }

  function rejectAll(members: readonly Member[], error: unknown): void {
    for (const member of members) member.reject(backendError(connection.name, error));
  }

  function waitForLock(members: readonly Member[]): void {
    busySince ??= performance.now();
    if (performance.now() - busySince > BUSY_LIMIT) {
      busySince = null;
      rejectAll(members, new Error(`other processes kept its write lock for ${BUSY_LIMIT / 1000} s`));
      return;
    }
    queue = [...members, ...queue];
    if (scheduled) return;
    scheduled = true;
    setTimeout(flush, Math.random() * BUSY_PAUSE);
  }

  return {
    run<T>(work: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        queue.push({ work, resolve, reject });
        if (scheduled) return;
        scheduled = true;
        setImmediate(flush);
      });
    },
    idle() {
      if (queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        whenIdle.push(resolve);
      });
    },
  };
}

function perform(member: Member): Outcome {
  try {
    return { value: member.work() };
  } catch (error) {
    if (error instanceof FlatMachineError) return { refused: error };
    throw error;
  }
}

function settle(member: Member, outcome: Outcome): void {
  if ('refused' in outcome) member.reject(outcome.refused);
  else member.resolve(outcome.value as never);
}
