import { createHash } from 'node:crypto';

/*
 * The layout, below the prefix of the store; ids of executions stand in keys as they are:
 *
 *   steps/ID/N            a record per step; N counts down, so that the newest is the first of a listing
 *   journal/ID/WORK/HASH  a record per entry, by the hash of its key
 *   results/ID/NAME       a result
 *   cancel/ID             somebody has asked for the end of this execution
 *   format                what this is
 */

/** Digits of the greatest safe integer. */
const DIGITS = 16;

/** Where the steps of all executions are, or of those whose id begins with this. */
export const stepsOf = (idPrefix: string): string => `steps/${idPrefix}`;

/** Where an execution's steps are. */
export const stepsIn = (id: string): string => `steps/${id}/`;

/** The object of a step. */
export const stepObject = (id: string, step: number): string => `${stepsIn(id)}${descending(step)}`;

/** The number of the step that an object of {@link stepsIn} holds. */
export function stepOf(key: string): number {
  return Number.MAX_SAFE_INTEGER - Number(key.slice(-DIGITS));
}

/** The execution of a prefix under {@link stepsOf}, `steps/ID/`. */
export function idOf(prefix: string): string {
  return prefix.slice('steps/'.length, -1);
}

function descending(step: number): string {
  return ascending(Number.MAX_SAFE_INTEGER - step);
}

function ascending(n: number): string {
  return String(n).padStart(DIGITS, '0');
}

/** Where an execution's journals are. */
export const journalsOf = (id: string): string => `journal/${id}/`;

/** Where the journal of a piece of work is. */
export const journalOf = (id: string, work: number): string => `${journalsOf(id)}${ascending(work)}/`;

/** The object of a journal entry. */
export const entryObject = (id: string, work: number, key: string): string =>
  `${journalOf(id, work)}${sha256(key)}`;

/** The piece of work that an object of {@link journalsOf} belongs to. */
export function workOf(key: string): number {
  return Number(key.split('/').at(-2));
}

/** Where an execution's results are. */
export const resultsOf = (id: string): string => `results/${id}/`;

/** The object of a result. A path may be anything: what is no plain word goes by its hash. */
export const resultObject = (id: string, path: string): string =>
  `${resultsOf(id)}${/^[a-z0-9_-]{1,60}$/.test(path) ? path : `~${sha256(path)}`}`;

/** The object of a request to cancel. */
export const cancelObject = (id: string): string => `cancel/${id}`;

/** The object that says what this is. */
export const FORMAT_OBJECT = 'format';

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
