import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import { stepConflict } from '../failures.ts';
import type { PersistenceBackend, SaveOptions } from '../interfaces.ts';
import { checkStepKey, pruneUpTo } from '../keys.ts';
import { summarize } from '../summary.ts';
import { checkDirectory } from './directories.ts';
import { fileError } from './file-errors.ts';
import { heads, readHead, removeHead, writeHead } from './heads.ts';
import type { LocalJournal } from './journal.ts';
import type { LocalLeases } from './lease-files.ts';
import { DamagedFile } from './sealed.ts';
import {
  encodeStep,
  newestStep,
  readGeneration,
  readStep,
  removeStep,
  removeStepsUpTo,
  stepPath,
  stepsDirectory,
} from './step-files.ts';
import type { LocalStore } from './store.ts';

/** What is remembered of an execution between two of its steps. */
interface Place {
  /** When it began. */
  since: string;
  /** The newest step; null = there is none. */
  newest: number | null;
  /** The step whose head is there, to be removed once there is another; null = to be looked up. */
  head: number | null;
  /** The `keep` under which nothing older is left; null = to be looked up. */
  keep: number | null;
}

/** How many executions' places are remembered; beyond it the oldest is looked up again. */
const MAX_PLACES = 20_000;

/** The writer of a store's steps. */
export interface StepWriter {
  save: PersistenceBackend['save'];
  /** Drops what is remembered of an execution that was changed otherwise. */
  forget(executionId: string): void;
}

/**
 * Makes the `save` of a store: the path that every step of every execution takes. A step is written whole under a temporary name, made to last, and gets its own name by a
 * hard link, which fails where there is one: so it is there whole or not at all, and once. The fence is checked right before that link, in the same turn of the event
 * loop. What remains is a process that is stopped between the two for so long that its lease is taken over: it may still write the one step it was about to write, if the new
 * holder has not, and the other of the two is refused. Never do both stand, and nothing that stands is changed.
 */
export function createStepWriter(
  store: LocalStore,
  leases: LocalLeases,
  journal: LocalJournal,
  onWarning: (message: string) => void,
): StepWriter {
  const places = new Map<string, Place>();

  /** What is remembered, if this is the step that comes next: otherwise somebody else has written, or deleted. */
  function placeOf(directory: string, { execution_id: id, step, created_at }: MachineSnapshot): Place {
    const known = places.get(id);
    if (known && known.newest === step - 1) return known;
    const newest = newestStep(directory);
    const since = newest === null ? null : beginningOf(directory, id, newest);
    return { since: since ?? created_at, newest, head: null, keep: null };
  }

  /** When an execution began, as its newest step says; null when that is not readable. */
  function beginningOf(directory: string, id: string, newest: number): string | null {
    const head = readHead(directory, newest);
    if (head !== null) return head.created_at;
    const found = readStep(directory, id, newest, onWarning);
    return typeof found === 'object' ? found.step.since : null;
  }

  /** The generation to try after one whose name was taken. @throws FlatMachineError `step-conflict` when it is a record */
  function nextGeneration(directory: string, snapshot: MachineSnapshot, generation: number): number {
    const { execution_id, step } = snapshot;
    const key = stepKey(execution_id, step);
    try {
      // Null when somebody has removed it meanwhile.
      if (readGeneration(directory, execution_id, step, generation) === null) return generation;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      onWarning(`${key} is damaged and is written anew: ${error.message}`);
      return generation + 1;
    }
    throw stepConflict(key);
  }

  async function write(
    directory: string,
    snapshot: MachineSnapshot,
    text: string,
    fence: SaveOptions['fence'],
  ) {
    const check = () => {
      checkDirectory(stepsDirectory(directory));
      if (fence) leases.checkFence(fence);
    };
    let generation = 0;
    while (!(await store.create(stepPath(directory, snapshot.step, generation), text, { check }))) {
      generation = nextGeneration(directory, snapshot, generation);
    }
  }

  /** What follows a step that is stored: nothing of it can fail the step any more. */
  function follow(directory: string, place: Place, snapshot: MachineSnapshot, options: SaveOptions): Place {
    const { step, execution_id } = snapshot;
    const { since, newest } = place;
    try {
      if (newest === null || step > newest) {
        writeHead(directory, summarize(snapshot, since));
        for (const old of place.head === null ? heads(directory) : [place.head])
          if (old < step) removeHead(directory, old);
      }
      const upTo = pruneUpTo(step, options.keep);
      if (upTo !== null) {
        if (options.keep !== undefined && options.keep === place.keep) removeStep(directory, upTo);
        else removeStepsUpTo(directory, upTo);
      }
      if (options.over) journal.forget(execution_id, options.over.work);
      const keep = upTo === null ? place.keep : (options.keep ?? null);
      return newest === null || step > newest
        ? { since, newest: step, head: step, keep }
        : { ...place, keep };
    } catch (error) {
      const { message } = fileError(store.root, error);
      onWarning(`${stepKey(execution_id, step)} is stored, but could not be tidied up after: ${message}`);
      return { since, newest: step, head: null, keep: null };
    }
  }

  return {
    async save(key, snapshot, options = {}) {
      checkStepKey(key, snapshot);
      pruneUpTo(snapshot.step, options.keep);
      const id = snapshot.execution_id;
      await store.write(() =>
        store.inExecution(id, async (directory) => {
          const place = placeOf(directory, snapshot);
          const text = encodeStep({ snapshot, events: [...(options.events ?? [])], since: place.since });
          await write(directory, snapshot, text, options.fence);
          await store.sync(stepsDirectory(directory));
          places.set(id, follow(directory, place, snapshot, options));
          if (places.size > MAX_PLACES) places.delete(places.keys().next().value as string);
        }),
      );
    },
    forget(executionId) {
      places.delete(executionId);
    },
  };
}
