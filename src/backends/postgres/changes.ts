import { randomBytes } from 'node:crypto';
import type { PostgresStore } from './store.ts';

/** Least milliseconds between two notifications under one key; what changes in between is told at the end. */
const GAP = 25;

/** A transaction with notifications only need not wait for the disk. */
const TELL = `
  SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload) FROM unnest($2::text[]) AS payload`;

/** Tells every process that shares a store that something has changed. */
export interface Changes {
  /** Says that something under `key` has changed, and is committed. */
  tell(key: string): void;
  /** Calls `listener` with what others told; null = anything may have changed, look again. Keeps no process alive. Returns what stops it. */
  listen(listener: (key: string | null) => void): () => void;
  /** Sends what is left to tell. */
  close(): Promise<void>;
}

/**
 * Makes the changes of a topic. They are told **after** the commit, in a transaction of their own: PostgreSQL lets notifying transactions commit one after
 * the other only, across all databases of a server, and with the wait for the disk in it that would be the end of shared commits. A process that dies in
 * between tells nothing, so whoever listens looks now and then by itself.
 */
export function createChanges(
  store: PostgresStore,
  topic: string,
  onWarning: (message: string) => void,
): Changes {
  const origin = randomBytes(6).toString('base64url');
  const told = new Set<string>();
  let timer: NodeJS.Immediate | NodeJS.Timeout | null = null;
  let last = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> = Promise.resolve();

  function send(): void {
    timer = null;
    if (told.size === 0) return;
    const payloads = [...told].map((key) => `${origin} ${key}`);
    told.clear();
    last = performance.now();
    sending = store
      .query('changes-tell', TELL, [`${store.settings.schema}.${topic}`, payloads])
      .then(() => {})
      .catch((error: Error) => {
        onWarning(
          `other processes were not told of changes, and see them some seconds later: ${error.message}`,
        );
      });
  }

  return {
    tell(key) {
      told.add(key);
      if (timer) return;
      const wait = last + GAP - performance.now();
      timer = wait > 0 ? setTimeout(send, wait) : setImmediate(send);
    },
    listen(listener) {
      return store.listen(topic, (payload) => {
        if (payload === null) listener(null);
        else if (!payload.startsWith(`${origin} `)) listener(payload.slice(payload.indexOf(' ') + 1));
      });
    },
    async close() {
      if (timer) clearTimeout(timer as NodeJS.Timeout);
      send();
      await sending;
    },
  };
}
