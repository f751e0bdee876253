import type { Database } from 'better-sqlite3';

/** The executions that each wait for children names. */
export interface AwaitedChildren {
  /** Makes `children` the ones that a wait names. Writes only what changes: a parent of ten thousand asks again after each. */
  replace(wait: number, children: readonly string[]): void;
  /** Whether any of them has ended. */
  hasEnded(wait: number): boolean;
}

/** Makes the access to a store's rows of them. */
export function createAwaitedChildren(connection: Database): AwaitedChildren {
  const childrenOf = connection.prepare<[number], string>('SELECT child FROM awaited WHERE wait = ?').pluck();
  const insert = connection.prepare<[string, number]>(
    'INSERT OR IGNORE INTO awaited (child, wait) VALUES (?, ?)',
  );
  const remove = connection.prepare<[string, number]>('DELETE FROM awaited WHERE child = ? AND wait = ?');
  const ended = connection
    .prepare<[number]>(
      `SELECT 1 FROM awaited a JOIN executions e ON e.execution_id = a.child
       WHERE a.wait = ? AND e.status IN ('completed', 'failed', 'cancelled') LIMIT 1`,
    )
    .pluck();

  return {
    replace(wait, children) {
      const gone = new Set(childrenOf.all(wait));
      for (const child of children) if (!gone.delete(child)) insert.run(child, wait);
      for (const child of gone) remove.run(child, wait);
    },
    hasEnded: (wait) => ended.get(wait) !== undefined,
  };
}
