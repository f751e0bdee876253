import { toError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import { sleep } from '../../timers.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';
import type { Bucket } from './bucket.ts';
import { resultObject } from './keys.ts';

/** Milliseconds between two looks for a result that somebody waits for. */
const POLL_MIN = 250;
const POLL_MAX = 2_000;

/** Results that can be closed. */
export interface S3Results extends ResultBackend {
  /** Rejects blocked readers. */
  close(): void;
}

/**
 * Results in S3: an object each. A reader is woken at once by a writer on the same set. S3 tells nobody of what others write, so for those it is
 * asked, after 250 ms and then ever less often, at last every 2 s, as long as anybody is blocked: one request per awaited result.
 */
export function createS3Results(bucket: Bucket): S3Results {
  const waiters = createResultWaiters();
  const polled = new Set<string>();
  const stop = new AbortController();

  async function look(object: string): Promise<void> {
    const json = await bucket.get(object);
    if (json !== null) waiters.wake(object, () => JSON.parse(json) as JsonValue);
  }

  async function poll(object: string): Promise<void> {
    polled.add(object);
    try {
      for (let pause = POLL_MIN; waiters.has(object); pause = Math.min(pause * 1.5, POLL_MAX)) {
        await sleep(pause, stop.signal);
        if (waiters.has(object)) await look(object);
      }
    } finally {
      polled.delete(object);
    }
  }

  /** Whoever waits is told: nobody else would hear of it. */
  const failed = (error: unknown): void => waiters.rejectAll(toError(error));

  return {
    async write(uri, data) {
      const { executionId, path } = parseResultUri(uri);
      const json = JSON.stringify(toJson(data, 'result'));
      const object = resultObject(executionId, path);
      await bucket.put(object, json);
      waiters.wake(object, () => JSON.parse(json) as JsonValue);
    },

    async read(uri, options = {}) {
      const { executionId, path } = parseResultUri(uri);
      const object = resultObject(executionId, path);
      if (options.block) {
        const waiting = waiters.wait(object, options.timeout);
        look(object).catch(failed);
        if (!polled.has(object)) poll(object).catch(failed);
        return waiting;
      }
      const json = await bucket.get(object);
      return json === null ? undefined : (JSON.parse(json) as JsonValue);
    },

    async exists(uri) {
      const { executionId, path } = parseResultUri(uri);
      return bucket.has(resultObject(executionId, path));
    },

    async delete(uri) {
      const { executionId, path } = parseResultUri(uri);
      await bucket.remove([resultObject(executionId, path)]);
    },

    close() {
      waiters.rejectAll(storeClosed());
      stop.abort(storeClosed());
    },
  };
}
