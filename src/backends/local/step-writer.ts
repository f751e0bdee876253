import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import { stepConflict } from '../failures.ts';
import type { PersistenceBackend, SaveOptions } from '../interfaces.ts';
import { checkStepKey, pruneUpTo } from '../keys.ts';
import { summarize } from '../summary.ts';
import { checkDirectory } from './directories.ts';
import { fileError } from './file-errors.ts';
import { heads, removeHead, writeHead } from './heads.ts';
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

  function placeOf(directory: string, snapshot: MachineSnapshot): Place {
    const id = snapshot.execution_id;
    const known = places.get(id);
    if (known) return known;
    const newest = newestStep(directory);
    const found = newest === null ? 'missing' : readStep(directory, id, newest, onWarning);
    return {
      since: typeof found === 'object' ? found.step.since : snapshot.created_at,
      head: null,
      keep: null,
    };
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
    let { head, keep } = place;
    try {
      writeHead(directory, summarize(snapshot, place.since));
      for (const old of head === null ? heads(directory) : [head]) if (old < step) removeHead(directory, old);
      head = Math.max(head ?? step, step);
      const upTo = pruneUpTo(step, options.keep);
      if (upTo !== null) {
        if (options.keep !== undefined && options.keep === keep) removeStep(directory, upTo);
        else removeStepsUpTo(directory, upTo);
        keep = options.keep ?? null;
      }
      if (options.over) journal.forget(execution_id, options.over.work);
    } catch (error) {
      const { message } = fileError(store.root, error);
      onWarning(`${stepKey(execution_id, step)} is stored, but could not be tidied up after: ${message}`);
    }
    return { since: place.since, head, keep };
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
