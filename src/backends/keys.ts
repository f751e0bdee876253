import { FlatMachineError } from '../errors.ts';
import { type MachineSnapshot, stepKey } from '../machine/snapshot.ts';

/** How many newest steps of an execution stay when {@link SaveOptions.keep} does not say. */
export const DEFAULT_KEEP = 1000;

/**
 * With the default cap, old steps are removed this many at a time: between `DEFAULT_KEEP` and `DEFAULT_KEEP + PRUNE_STRIDE - 1`
 * stay, and most saves touch no old page.
 */
const PRUNE_STRIDE = 100;

/** Greatest number of a step that a key can have. */
export const MAX_STEP = 999_999_999_999_999;

const MAX_ID_LENGTH = 200;
const FORBIDDEN_IN_ID = /[/\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|\.\./u;
const MAX_CHANNEL_LENGTH = 500;
const FORBIDDEN_IN_CHANNEL = /[\p{Cc}\p{Cs}]/u;
const LONE_SURROGATE = /\p{Cs}/u;
const STEP_KEY = /^([^/]+)\/step_(\d{6,15})$/;

/**
 * Refuses what may not be an id of an execution, a worker or a pool: anything but 1–200 characters without `/`, `\`, `..`, control characters,
 * line separators or lone surrogates; and `.` itself.
 * @param what it is, for the message
 * @throws FlatMachineError `invalid-id`
 */
export function checkId(id: string, what = 'an execution id'): void {
  if (isValidId(id)) return;
  const shown = typeof id === 'string' ? JSON.stringify(id.slice(0, MAX_ID_LENGTH)) : String(id);
  throw new FlatMachineError('invalid-id', `${shown} cannot be ${what}`);
}

function isValidId(id: string): boolean {
  if (typeof id !== 'string' || id === '' || id === '.' || FORBIDDEN_IN_ID.test(id)) return false;
  return id.length <= MAX_ID_LENGTH || [...id].length <= MAX_ID_LENGTH;
}

/**
 * Refuses what may not be a channel: anything but 1–500 characters without control characters and lone surrogates.
 * @throws FlatMachineError `invalid-id`
 */
export function checkChannel(channel: string): void {
  const valid =
    typeof channel === 'string' &&
    channel !== '' &&
    !FORBIDDEN_IN_CHANNEL.test(channel) &&
    (channel.length <= MAX_CHANNEL_LENGTH || [...channel].length <= MAX_CHANNEL_LENGTH);
  if (valid) return;
  const shown =
    typeof channel === 'string' ? JSON.stringify(channel.slice(0, MAX_ID_LENGTH)) : String(channel);
  throw new FlatMachineError('invalid-id', `${shown} cannot be a channel`, {
    remedy: 'Use 1 to 500 characters, no control characters.',
  });
}

/**
 * Refuses what cannot be told apart again once it is stored as UTF-8: a key with a lone surrogate.
 * @throws FlatMachineError `invalid-id`
 */
export function checkJournalKey(key: string): void {
  if (!LONE_SURROGATE.test(key)) return;
  throw new FlatMachineError('invalid-id', `${JSON.stringify(key)} cannot be the key of a journal entry`);
}

/**
 * Checks that `key` is the key of this snapshot.
 * @throws FlatMachineError `invalid-id` for an id that is none, `usage` for a key that is not `{execution_id}/step_{step}`
 */
export function checkStepKey(key: string, snapshot: MachineSnapshot): void {
  checkId(snapshot.execution_id);
  const { step } = snapshot;
  if (
    !Number.isSafeInteger(step) ||
    step < 0 ||
    step > MAX_STEP ||
    key !== stepKey(snapshot.execution_id, step)
  ) {
    throw new FlatMachineError('usage', `${JSON.stringify(key)} is not the key of step ${step}`, {
      remedy: 'Use stepKey(snapshot.execution_id, snapshot.step).',
    });
  }
}

/** Execution and step of a key, or null for what is no step's key. */
export function parseStepKey(key: string): { executionId: string; step: number } | null {
  const match = STEP_KEY.exec(key);
  if (!match) return null;
  const executionId = match[1] as string;
  const step = Number(match[2]);
  return key === stepKey(executionId, step) ? { executionId, step } : null;
}

/** What a prefix of keys says about executions: a whole id, once there is a slash, or the start of some. */
export function parsePrefix(prefix: string): { idPrefix: string; exact: boolean } {
  const slash = prefix.indexOf('/');
  return slash === -1
    ? { idPrefix: prefix, exact: false }
    : { idPrefix: prefix.slice(0, slash), exact: true };
}

/**
 * The newest step that goes once `step` is stored, or null when nothing has to go now.
 * @param keep as in {@link SaveOptions.keep}
 * @throws FlatMachineError `usage` unless `keep` is at least 1
 */
export function pruneUpTo(step: number, keep: number | undefined): number | null {
  if (keep === undefined) {
    return step >= DEFAULT_KEEP && step % PRUNE_STRIDE === 0 ? step - DEFAULT_KEEP : null;
  }
  if (!(keep >= 1)) throw new FlatMachineError('usage', `keep must be 1 or more, not ${keep}`);
  return step >= keep ? step - Math.floor(keep) : null;
}
