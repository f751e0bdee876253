import { createHash } from 'node:crypto';
import { toError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';
import { createChanges } from './changes.ts';
import type { PostgresStore } from './store.ts';

/** Milliseconds between two looks for those who are blocked, for what nobody told them. */
const LOOK = 5_000;

const WRITE = `
  INSERT INTO results (key, execution_id, path, data) VALUES ($1, $2, $3, $4)
  ON CONFLICT (key) DO UPDATE SET data = excluded.data`;

const FIND = 'SELECT key, data FROM results WHERE key = ANY ($1)';

/** Readers that are blocked on one result. */
interface Blocked {
  /** Of the waiters: execution and path, for people. */
  name: string;
  readers: number;
}

/** Results that can be closed. */
export interface PostgresResults extends ResultBackend {
  /** Rejects blocked readers, once others were told what they wait for. */
  close(): Promise<void>;
}

/** Results in PostgreSQL; who is blocked is woken by a notification. @param onWarning told when other processes could not be told of a result */
export function createPostgresResults(
  store: PostgresStore,
  onWarning: (message: string) => void,
): PostgresResults {
  const changes = createChanges(store, 'results', onWarning);
  const waiters = createResultWaiters();
  const blocked = new Map<string, Blocked>();
  let stopListening: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;

  /** Reads what is there of these, and wakes who waits for it. */
  async function look(keys: readonly string[]): Promise<void> {
    for (const { key, data } of await find(keys)) wake(key, data);
  }

  function lookSoon(keys: readonly string[]): void {
    look(keys).catch((error: unknown) => waiters.rejectAll(toError(error)));
  }

  function find(keys: readonly string[]): Promise<{ key: string; data: string }[]> {
    return store.query('result-find', FIND, [keys]);
  }

  function wake(key: string, json: string): void {
    const name = blocked.get(key)?.name;
    if (name !== undefined) waiters.wake(name, () => JSON.parse(json) as JsonValue);
  }

  /** While somebody is blocked, which also keeps the process alive. */
  function listen(): void {
    stopListening ??= changes.listen((key) => {
      if (key === null) lookSoon([...blocked.keys()]);
      else if (blocked.has(key)) lookSoon([key]);
    });
    timer ??= setInterval(() => lookSoon([...blocked.keys()]), LOOK);
  }

  function stop(): void {
    stopListening?.();
    stopListening = null;
    clearInterval(timer);
    timer = undefined;
  }

  async function wait(key: string, name: string, timeout: number | undefined): Promise<JsonValue> {
    const entry = blocked.get(key) ?? { name, readers: 0 };
    blocked.set(key, entry);
    entry.readers++;
    listen();
    const data = waiters.wait(name, timeout);
    lookSoon([key]);
    try {
      return await data;
    } finally {
      if (--entry.readers === 0) blocked.delete(key);
      if (blocked.size === 0) stop();
    }
  }

  return {
    async write(uri, data) {
      const { executionId, path } = parseResultUri(uri);
      const key = keyOf(executionId, path);
      const json = JSON.stringify(toJson(data, 'result'));
      await store.query('result-write', WRITE, [key, executionId, JSON.stringify(path), json]);
      wake(key, json);
      changes.tell(key);
    },

    async read(uri, options = {}) {
      const { executionId, path } = parseResultUri(uri);
      const key = keyOf(executionId, path);
      const [found] = await find([key]);
      if (found) return JSON.parse(found.data) as JsonValue;
      return options.block ? wait(key, `${executionId}/${path}`, options.timeout) : undefined;
    },

    async exists(uri) {
      const { executionId, path } = parseResultUri(uri);
      const sql = 'SELECT key FROM results WHERE key = $1';
      return (await store.query('result-exists', sql, [keyOf(executionId, path)])).length > 0;
    },

    async delete(uri) {
      const { executionId, path } = parseResultUri(uri);
      await store.query('result-delete', 'DELETE FROM results WHERE key = $1', [keyOf(executionId, path)]);
    },

    async close() {
      waiters.rejectAll(storeClosed());
      stop();
      await changes.close();
    },
  };
}

/** Paths may hold what UTF-8 cannot, JSON escapes it. */
function keyOf(executionId: string, path: string): string {
  return createHash('sha256')
    .update(`${executionId}/${JSON.stringify(path)}`)
    .digest('base64url');
}
