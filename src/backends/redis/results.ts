import { toError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';
import type { RedisStore } from './connection.ts';

/** Milliseconds between two looks of a blocked reader that nobody tells of anything. Its timer is also what keeps its process alive. */
const SAFETY_LOOK = 10_000;

/** ARGV: execution, path, JSON. */
const WRITE = `
redis.call('HSET', KEYS[1] .. ':results:' .. ARGV[1], ARGV[2], ARGV[3])
redis.call('PUBLISH', KEYS[1] .. ':result:' .. ARGV[1] .. '/' .. ARGV[2], '')
`;

/** Results that can be closed. */
export interface RedisResults extends ResultBackend {
  /** Rejects blocked readers. */
  close(): void;
}

interface Place {
  executionId: string;
  path: string;
  /** Of its execution's results. */
  key: string;
}

/** Results on a redis server. Whoever is blocked is told of the write, whichever process does it. */
export function createRedisResults(store: RedisStore): RedisResults {
  const put = store.script(WRITE);
  const waiters = createResultWaiters();

  function placeOf(uri: string): Place {
    const { executionId, path } = parseResultUri(uri);
    // As it comes back from the server, where texts are UTF-8.
    return { executionId, path: Buffer.from(path).toString(), key: store.key('results', executionId) };
  }

  async function find({ key, path }: Place): Promise<string | null> {
    return (await store.command('HGET', key, path)) as string | null;
  }

  /** Wakes the readers of a result that is there. */
  async function look(place: Place): Promise<void> {
    const waiter = waiterKey(place);
    if (!waiters.has(waiter)) return;
    try {
      const json = await find(place);
      if (json !== null) waiters.wake(waiter, () => JSON.parse(json) as JsonValue);
    } catch (error) {
      waiters.rejectAll(toError(error));
    }
  }

  /** The time runs from the beginning, also while the server does not answer. Listening begins with another look, so that no write is missed. */
  async function wait(place: Place, timeout: number | undefined): Promise<JsonValue> {
    const lookAgain = () => void look(place);
    const timer = setInterval(lookAgain, SAFETY_LOOK);
    let over = false;
    let stop = () => {};
    const waiting = waiters.wait(waiterKey(place), timeout);
    void look(place).then(() => {
      if (!over) stop = store.onNotify(`result:${waiterKey(place)}`, lookAgain);
    });
    try {
      return await waiting;
    } finally {
      over = true;
      clearInterval(timer);
      stop();
    }
  }

  return {
    async write(uri, data) {
      const { executionId, path } = placeOf(uri);
      await put(executionId, path, JSON.stringify(toJson(data, 'result')));
    },

    async read(uri, options = {}) {
      const place = placeOf(uri);
      if (options.block) return wait(place, options.timeout);
      const json = await find(place);
      return json === null ? undefined : (JSON.parse(json) as JsonValue);
    },

    async exists(uri) {
      const { key, path } = placeOf(uri);
      return (await store.command('HEXISTS', key, path)) === 1;
    },

    async delete(uri) {
      const { key, path } = placeOf(uri);
      await store.command('HDEL', key, path);
    },

    close() {
      waiters.rejectAll(storeClosed());
    },
  };
}

function waiterKey({ executionId, path }: Place): string {
  return `${executionId}/${path}`;
}
