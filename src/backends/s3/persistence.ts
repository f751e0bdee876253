import { randomUUID } from 'node:crypto';
import { FlatMachineError, toError } from '../../errors.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';
import { stepConflict } from '../failures.ts';
import type { ExecutionSummary, PersistenceBackend, SaveOptions, StepRecord } from '../interfaces.ts';
import { checkId, checkStepKey, parsePrefix, parseStepKey, pruneUpTo } from '../keys.ts';
import { byNewestChange, matchesFilter, summarize } from '../summary.ts';
import { type Bucket, each } from './bucket.ts';
import {
  cancelObject,
  idOf,
  journalsOf,
  resultsOf,
  stepObject,
  stepOf,
  stepsIn,
  stepsOf,
  workOf,
} from './keys.ts';
import { decodeStep, encodeStep, hasNonce, stepRecord, summaryOf } from './record.ts';

/** Bytes of a record that hold its summary, unless a name or a message in it is very long. */
const SUMMARY_BYTES = 4096;

/** How many executions' beginnings are remembered; beyond it the oldest is looked up again. */
const MAX_BEGINNINGS = 20_000;

/** Listings after which a search for a readable record gives up: each time the one it found was deleted in between. */
const LATEST_TRIES = 10;

/**
 * Steps in S3: an object each, put on condition that there is none. That is the only fence; a mixed set asks for the holder of the lease before. What goes
 * with a step (its work's journal, steps beyond `keep`) goes right after it: a crash in between leaves it to the next step that ends a piece of work, or to the deletion.
 * A listing of executions takes two requests for each.
 */
export function createS3Persistence(
  bucket: Bucket,
  onWarning: (message: string) => void,
): PersistenceBackend {
  /** When executions began, for their summaries. */
  const beginnings = new Map<string, string>();

  function remember(id: string, createdAt: string): void {
    beginnings.set(id, createdAt);
    if (beginnings.size > MAX_BEGINNINGS) beginnings.delete(beginnings.keys().next().value as string);
  }

  async function newestObject(id: string): Promise<string | null> {
    return (await bucket.list(stepsIn(id), { most: 1 }))[0] ?? null;
  }

  async function beginningOf({ execution_id: id, created_at, step }: MachineSnapshot): Promise<string> {
    if (step === 0) return created_at;
    const known = beginnings.get(id);
    if (known !== undefined) return known;
    return (await summaryAt(await newestObject(id)))?.created_at ?? created_at;
  }

  /** What the beginning of a step's object says; null when it is gone or damaged. */
  async function summaryAt(object: string | null): Promise<ExecutionSummary | null> {
    if (object === null) return null;
    const beginning = await bucket.get(object, SUMMARY_BYTES);
    if (beginning === null) return null;
    if (beginning.includes('\n')) return summaryOf(beginning);
    return summaryOf((await bucket.get(object)) ?? '');
  }

  /** Null when it is gone, or damaged, which is told. */
  async function readable(object: string): Promise<StepRecord | null> {
    const text = await bucket.get(object);
    try {
      return text === null ? null : decodeStep(text);
    } catch (error) {
      onWarning(`${object} in ${bucket.address.shown} is damaged and was skipped: ${toError(error).message}`);
      return null;
    }
  }

  async function latest(id: string): Promise<MachineSnapshot | null> {
    for (let tries = 0; tries < LATEST_TRIES; tries++) {
      const newest = await newestObject(id);
      if (newest === null) return null;
      const found = await readable(newest);
      if (found) return found.snapshot;
      // Slow, for when the newest record is damaged: step by step backwards.
      for (const object of await bucket.list(stepsIn(id), { after: newest })) {
        const older = await readable(object);
        if (older) return older.snapshot;
      }
      if (await bucket.has(newest)) break;
    }
    throw new FlatMachineError('backend', `no record of ${id} in ${bucket.address.shown} is readable`, {
      remedy: 'Restore the objects.',
    });
  }

  async function put(key: string, object: string, text: string, nonce: string): Promise<void> {
    const there = await bucket.create(object, text, (found) => hasNonce(found, nonce));
    if (there === null) return;
    try {
      decodeStep(there);
    } catch {
      // A resume has gone back behind it and has to write it again.
      onWarning(`${key} was damaged and is written anew`);
      if (await bucket.replace(object, there, text)) return;
    }
    throw stepConflict(key);
  }

  /** What a step that is stored leaves behind. The step is valid without it: failures are told. */
  async function tidy(id: string, upTo: number | null, over: SaveOptions['over']): Promise<void> {
    try {
      if (upTo !== null) {
        await bucket.remove(await bucket.list(stepsIn(id), { after: stepObject(id, upTo + 1) }));
      }
      if (over) {
        const entries = await bucket.list(journalsOf(id));
        await bucket.remove(entries.filter((object) => workOf(object) <= over.work));
      }
    } catch (error) {
      onWarning(`what ${id} needs no more could not be removed: ${toError(error).message}`);
    }
  }

  async function idsWith(idPrefix: string): Promise<string[]> {
    return (await bucket.list(stepsOf(idPrefix), { delimiter: '/' })).map(idOf);
  }

  async function keysOf(id: string): Promise<string[]> {
    const objects = await bucket.list(stepsIn(id));
    return objects.reverse().map((object) => stepKey(id, stepOf(object)));
  }

  async function summaryOfExecution(id: string): Promise<ExecutionSummary | null> {
    const found = await summaryAt(await newestObject(id));
    if (found) return found;
    const snapshot = await latest(id);
    return snapshot && summarize(snapshot, snapshot.created_at);
  }

  return {
    async save(key, snapshot, options = {}) {
      checkStepKey(key, snapshot);
      const { execution_id: id, step } = snapshot;
      const upTo = pruneUpTo(step, options.keep);
      const body = encodeStep(snapshot, options.events);
      const nonce = randomUUID();
      const createdAt = await beginningOf(snapshot);
      await put(key, stepObject(id, step), stepRecord(snapshot, body, createdAt, nonce), nonce);
      remember(id, createdAt);
      if (upTo !== null || options.over) await tidy(id, upTo, options.over);
    },

    async load(key) {
      const parsed = parseStepKey(key);
      const text = parsed && (await bucket.get(stepObject(parsed.executionId, parsed.step)));
      if (!text) return null;
      try {
        return decodeStep(text).snapshot;
      } catch (cause) {
        const { shown } = bucket.address;
        throw new FlatMachineError('backend', `the record ${key} in ${shown} is damaged`, { cause });
      }
    },

    async delete(key) {
      const parsed = parseStepKey(key);
      if (parsed) await bucket.remove([stepObject(parsed.executionId, parsed.step)]);
    },

    async list(prefix) {
      const { idPrefix, exact } = parsePrefix(prefix);
      const ids = exact ? [idPrefix] : (await idsWith(idPrefix)).sort();
      const keys = (await each(ids, keysOf)).flat();
      return exact ? keys.filter((key) => key.startsWith(prefix)) : keys;
    },

    async latest(executionId) {
      checkId(executionId);
      return latest(executionId);
    },

    async history(executionId) {
      checkId(executionId);
      const objects = (await bucket.list(stepsIn(executionId))).reverse();
      return (await each(objects, readable)).filter((record) => record !== null);
    },

    async executions(filter = {}) {
      const found = await each(await idsWith(''), summaryOfExecution);
      const wanted = found.filter((one) => one !== null).filter((one) => matchesFilter(one, filter));
      return wanted.sort(byNewestChange).slice(0, filter.limit ?? wanted.length);
    },

    async deleteExecution(executionId) {
      checkId(executionId);
      beginnings.delete(executionId);
      for (const prefix of [resultsOf(executionId), journalsOf(executionId)]) {
        await bucket.remove(await bucket.list(prefix));
      }
      await bucket.remove([cancelObject(executionId)]);
      // The newest last: cut short, it still says how the execution ended, and can be deleted again.
      const [newest, ...older] = await bucket.list(stepsIn(executionId));
      await bucket.remove(older);
      if (newest !== undefined) await bucket.remove([newest]);
    },

    async requestCancel(executionId) {
      if ((await newestObject(executionId)) !== null)
        await bucket.put(cancelObject(executionId), 'asked for');
    },

    async cancelRequested(executionId) {
      return bucket.has(cancelObject(executionId));
    },

    async withdrawCancel(executionId) {
      await bucket.remove([cancelObject(executionId)]);
    },
  };
}
