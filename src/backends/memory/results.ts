import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';

/** Results that also know which execution they are of. */
export interface MemoryResults extends ResultBackend {
  /** Removes all results of an execution. */
  forget(executionId: string): void;
  /** Rejects blocked readers. */
  close(): void;
}

/** Makes an empty result store. */
export function createMemoryResults(): MemoryResults {
  const byExecution = new Map<string, Map<string, JsonValue>>();
  const waiters = createResultWaiters();

  return {
    async write(uri, data) {
      const { executionId, path } = parseResultUri(uri);
      const copy = toJson(data, 'result');
      const paths = byExecution.get(executionId) ?? new Map<string, JsonValue>();
      byExecution.set(executionId, paths.set(path, copy));
      waiters.wake(waiterKey(executionId, path), () => toJson(copy));
    },
    async read(uri, options = {}) {
      const { executionId, path } = parseResultUri(uri);
      const data = byExecution.get(executionId)?.get(path);
      if (data !== undefined) return toJson(data);
      if (!options.block) return undefined;
      return waiters.wait(waiterKey(executionId, path), options.timeout);
    },
    async exists(uri) {
      const { executionId, path } = parseResultUri(uri);
      return byExecution.get(executionId)?.has(path) ?? false;
    },
    async delete(uri) {
      const { executionId, path } = parseResultUri(uri);
      byExecution.get(executionId)?.delete(path);
    },
    forget(executionId) {
      byExecution.delete(executionId);
    },
    close() {
      waiters.rejectAll(storeClosed());
    },
  };
}

function waiterKey(executionId: string, path: string): string {
  return `${executionId}/${path}`;
}
