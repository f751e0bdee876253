import { closeSync, constants, existsSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { FlatMachineError } from '../../errors.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import type { PersistenceBackend, StepRecord } from '../interfaces.ts';
import { checkId, parsePrefix, parseStepKey } from '../keys.ts';
import { summarize } from '../summary.ts';
import { createExecutionList } from './execution-list.ts';
import { orMissing } from './file-errors.ts';
import { heads, removeHead, writeHead } from './heads.ts';
import type { LocalJournal } from './journal.ts';
import type { LocalLeases } from './lease-files.ts';
import {
  type FoundStep,
  listSteps,
  newestStep,
  readStep,
  removeStep,
  type StoredStep,
  stepsDirectory,
} from './step-files.ts';
import { createStepWriter } from './step-writer.ts';
import type { LocalStore } from './store.ts';

/** Steps read before the event loop has its turn. */
const READ_AT_ONCE = 64;

/** How often the newest step is looked for again because it was removed meanwhile. */
const MAX_TRIES = 10;

/** Steps in files: one each, written once. What of it is one write and what follows it stands in `step-writer.ts`. */
export function createLocalPersistence(
  store: LocalStore,
  leases: LocalLeases,
  journal: LocalJournal,
  onWarning: (message: string) => void,
): PersistenceBackend {
  const writer = createStepWriter(store, leases, journal, onWarning);
  const list = createExecutionList(store, newestWhole, onWarning);
  const cancelPath = (executionId: string) => join(store.directoryOf(executionId), 'cancel');
  const skipped = (why: string) => onWarning(`${why}; it was skipped`);

  /** The newest step that is whole, or null when there is none at all. Slow only where the newest is damaged: step by step backwards. */
  function newestWhole(directory: string, executionId: string): StoredStep | null {
    for (let tries = 1; ; tries++) {
      const newest = newestStep(directory);
      if (newest === null) return null;
      const found = readStep(directory, executionId, newest, skipped);
      if (typeof found === 'object') return found.step;
      if (found === 'damaged') break;
      if (tries === MAX_TRIES) break;
    }
    for (const step of listSteps(directory).slice(0, -1).reverse()) {
      const found = readStep(directory, executionId, step, skipped);
      if (typeof found === 'object') return found.step;
    }
    throw new FlatMachineError('backend', `no record of ${executionId} in ${directory} is readable`, {
      remedy: 'Restore the directory from a copy.',
    });
  }

  /** Removes a step and says which is the newest now. */
  function remove(directory: string, executionId: string, step: number): void {
    const head = heads(directory).at(-1);
    removeStep(directory, step);
    const newest = listSteps(directory).at(-1);
    if (newest === undefined) orMissing(() => unlinkSync(join(directory, 'cancel')));
    if (head === undefined || head === newest) return;
    const found: FoundStep =
      newest === undefined ? 'missing' : readStep(directory, executionId, newest, skipped);
    if (typeof found === 'object') writeHead(directory, summarize(found.step.snapshot, found.step.since));
    for (const old of heads(directory)) if (old !== newest) removeHead(directory, old);
  }

  function idsWithPrefix(prefix: string): Promise<string[]> {
    return list.ids().then((ids) => ids.filter((id) => id.startsWith(prefix)).sort());
  }

  function keysOf(executionId: string): string[] {
    return listSteps(store.directoryOf(executionId)).map((step) => stepKey(executionId, step));
  }

  return {
    save: writer.save,

    async load(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return null;
      const { executionId, step } = parsed;
      return store.read(() => {
        let damage = '';
        const found = readStep(store.directoryOf(executionId), executionId, step, (why) => {
          damage ||= why;
        });
        if (found === 'missing') return null;
        if (typeof found === 'object') return found.step.snapshot;
        throw new FlatMachineError('backend', `the record ${key} in ${store.root} cannot be read: ${damage}`);
      });
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      if (!parsed) return;
      const directory = store.directoryOf(parsed.executionId);
      await store.write(async () => {
        if (!existsSync(stepsDirectory(directory))) return;
        remove(directory, parsed.executionId, parsed.step);
        writer.forget(parsed.executionId);
        await store.sync(stepsDirectory(directory));
      });
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      return store.read(async () => {
        if (exact) return keysOf(idPrefix).filter((key) => key.startsWith(prefix));
        return (await idsWithPrefix(idPrefix)).flatMap(keysOf);
      });
    },

    async latest(executionId): Promise<MachineSnapshot | null> {
      checkId(executionId);
      return store.read(() => newestWhole(store.directoryOf(executionId), executionId)?.snapshot ?? null);
    },

    async history(executionId) {
      checkId(executionId);
      return store.read(async () => {
        const records: StepRecord[] = [];
        const directory = store.directoryOf(executionId);
        for (const [n, step] of listSteps(directory).entries()) {
          const found = readStep(directory, executionId, step, skipped);
          if (typeof found === 'object') {
            records.push({ snapshot: found.step.snapshot, events: found.step.events });
          }
          if (n % READ_AT_ONCE === READ_AT_ONCE - 1) await turn();
        }
        return records;
      });
    },

    executions: (filter = {}) => store.read(() => list.executions(filter)),

    async deleteExecution(executionId) {
      checkId(executionId);
      await store.write(async () => {
        journal.drop(executionId);
        writer.forget(executionId);
        await store.discard(store.directoryOf(executionId));
        await leases.forget(executionId);
      });
    },

    async requestCancel(executionId) {
      const directory = store.directoryOf(executionId);
      await store.write(async () => {
        if (newestStep(directory) === null) return;
        const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants;
        closeSync(openSync(cancelPath(executionId), O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600));
        await store.sync(directory);
      });
    },

    cancelRequested: (executionId) => store.read(() => existsSync(cancelPath(executionId))),

    async withdrawCancel(executionId) {
      await store.write(async () => {
        if (orMissing(() => unlinkSync(cancelPath(executionId))) === null) return;
        await store.sync(store.directoryOf(executionId));
      });
    },
  };
}
