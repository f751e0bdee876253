import { existsSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FlatMachineError, toError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { ResultBackend } from '../interfaces.ts';
import { parseResultUri } from '../result-uri.ts';
import { createResultWaiters } from '../result-waiters.ts';
import { createBell } from './bell.ts';
import { checkDirectory } from './directories.ts';
import { fileError, orMissing } from './file-errors.ts';
import { fileName } from './names.ts';
import { DamagedFile, readSealed, seal } from './sealed.ts';
import type { LocalStore } from './store.ts';

/** Results that can be closed. */
export interface LocalResults extends ResultBackend {
  /** Rejects blocked readers. */
  close(): void;
}

/** Results in files, one each, replaced whole. A blocked reader is told by {@link Bell}, and looks. */
export function createLocalResults(store: LocalStore, onWarning: (message: string) => void): LocalResults {
  const bell = createBell(store, onWarning);
  const waiters = createResultWaiters();
  /** Files that readers wait for, by the names of their executions' directories. */
  const awaited = new Map<string, Map<string, number>>();
  let stop: (() => void) | null = null;

  function pathOf(uri: string): { path: string; executionId: string } {
    const { executionId, path } = parseResultUri(uri);
    return { executionId, path: join(store.directoryOf(executionId), `result_${fileName(path)}`) };
  }

  function find(path: string): JsonValue | undefined {
    try {
      return (readSealed(path) as { data: JsonValue } | null)?.data;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      throw new FlatMachineError('backend', `the result ${path} is damaged: ${error.message}`, {
        remedy: 'Delete it and resume the execution, which writes it again.',
      });
    }
  }

  /** Gives what is there to those that wait for it, or tells them what is wrong with it. */
  function look(path: string): void {
    try {
      const data = find(path);
      if (data !== undefined) waiters.wake(path, () => toJson(data));
    } catch (error) {
      waiters.reject(path, fileError(store.root, toError(error)));
    }
  }

  function onRing(name: string | null): void {
    const files = name === null ? [...awaited.values()] : [awaited.get(name)];
    for (const path of files.flatMap((some) => [...(some?.keys() ?? [])])) look(path);
  }

  /** Counts a reader of a file in or out; while there is any, the bell is listened to. */
  function count(path: string, change: 1 | -1): void {
    const name = basename(dirname(path));
    const files = awaited.get(name) ?? new Map<string, number>();
    const readers = (files.get(path) ?? 0) + change;
    if (readers > 0) files.set(path, readers);
    else files.delete(path);
    if (files.size > 0) awaited.set(name, files);
    else awaited.delete(name);
    if (awaited.size > 0) stop ??= bell.listen(onRing);
    else {
      stop?.();
      stop = null;
    }
  }

  return {
    async write(uri, data) {
      const { path, executionId } = pathOf(uri);
      const text = seal(JSON.stringify({ data: toJson(data, 'result') }));
      await store.write(() =>
        store.inExecution(executionId, async (directory) => {
          await store.replace(path, text, { check: () => checkDirectory(directory) });
          await store.sync(directory);
          bell.ring(basename(directory));
        }),
      );
      onRing(fileName(executionId));
    },

    async read(uri, options = {}) {
      const { path } = pathOf(uri);
      const data = await store.read(() => find(path));
      if (data !== undefined || !options.block) return data;
      count(path, 1);
      try {
        const written = waiters.wait(path, options.timeout);
        // Whoever wrote it before the bell was listened to has rung in vain.
        onRing(basename(dirname(path)));
        return await written;
      } finally {
        count(path, -1);
      }
    },

    async exists(uri) {
      const { path } = pathOf(uri);
      return store.read(() => existsSync(path));
    },

    async delete(uri) {
      const { path } = pathOf(uri);
      await store.write(async () => {
        if (orMissing(() => unlinkSync(path)) !== null) await store.sync(dirname(path));
      });
    },

    close() {
      waiters.rejectAll(storeClosed());
    },
  };
}
