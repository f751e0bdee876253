import { toError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';
import type { SqliteStore } from './database.ts';

/** Milliseconds between two looks at whether another process has written anything, while somebody is blocked. */
const POLL_MIN = 2;
const POLL_MAX = 50;

interface ResultRow {
  id: number;
  execution_id: string;
  path: string;
  data: string;
}

/** Results that can be closed. */
export interface SqliteResults extends ResultBackend {
  /** Rejects blocked readers. */
  close(): void;
}

/**
 * Results in SQLite. A reader is woken at once by a writer in its own process. For those of others it watches `data_version`,
 * a number in shared memory, and only while it is blocked; rows are looked at when that number has changed.
 */
export function createSqliteResults(store: SqliteStore): SqliteResults {
  const { connection } = store;
  const find = connection
    .prepare<[string, string], string>('SELECT data FROM results WHERE execution_id = ? AND path = ?')
    .pluck();
  const put = connection.prepare<[string, string, string]>(
    'INSERT OR REPLACE INTO results (execution_id, path, data) VALUES (?, ?, ?)',
  );
  const remove = connection.prepare<[string, string]>(
    'DELETE FROM results WHERE execution_id = ? AND path = ?',
  );
  const after = connection.prepare<[number], ResultRow>('SELECT * FROM results WHERE id > ? ORDER BY id');
  const newest = connection.prepare<[], number>('SELECT coalesce(max(id), 0) FROM results').pluck();
  const dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();
  const waiters = createResultWaiters();
  let timer: NodeJS.Timeout | null = null;

  function wake(key: string, json: string): void {
    waiters.wake(key, () => JSON.parse(json) as JsonValue);
  }

  /** Rows get a new, larger id at each write, so that only new ones have to be read. */
  function watch(): void {
    if (timer) return;
    let seen = store.read(() => newest.get()) as number;
    let version = store.read(() => dataVersion.get());
    let pause = POLL_MIN;
    const look = () => {
      timer = null;
      if (waiters.size === 0) return;
      try {
        lookOnce();
      } catch (error) {
        waiters.rejectAll(toError(error));
        return;
      }
      timer = setTimeout(look, pause);
    };
    const lookOnce = () => {
      const now = store.read(() => dataVersion.get());
      pause = now === version ? Math.min(pause * 2, POLL_MAX) : POLL_MIN;
      if (now !== version) {
        version = now;
        for (const row of store.read(() => after.all(seen))) {
          seen = row.id;
          wake(waiterKey(row.execution_id, row.path), row.data);
        }
      }
    };
    timer = setTimeout(look, pause);
  }

  store.resultListeners.add(wake);

  return {
    async write(uri, data) {
      const { executionId, path } = parseResultUri(uri);
      const json = JSON.stringify(toJson(data, 'result'));
      await store.write(() => put.run(executionId, path, json));
      for (const listener of store.resultListeners) listener(waiterKey(executionId, path), json);
    },

    async read(uri, options = {}) {
      const { executionId, path } = parseResultUri(uri);
      if (options.block) watch();
      const json = store.read(() => find.get(executionId, path));
      if (json !== undefined) return JSON.parse(json) as JsonValue;
      return options.block ? waiters.wait(waiterKey(executionId, path), options.timeout) : undefined;
    },

    async exists(uri) {
      const { executionId, path } = parseResultUri(uri);
      return store.read(() => find.get(executionId, path)) !== undefined;
    },

    async delete(uri) {
      const { executionId, path } = parseResultUri(uri);
      await store.write(() => remove.run(executionId, path));
    },

    close() {
      if (timer) clearTimeout(timer);
      timer = null;
      store.resultListeners.delete(wake);
      waiters.rejectAll(storeClosed());
    },
  };
}

function waiterKey(executionId: string, path: string): string {
  return `${executionId}/${path}`;
}
