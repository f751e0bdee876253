import assert from 'node:assert/strict';
import type { BackendSet, Fence } from '../../backends/interfaces.ts';
import { type ErrorCode, isFlatMachineError } from '../../errors.ts';
import type { ExecutionEvent } from '../../events.ts';
import { type MachineSnapshot, stepKey } from '../../machine/snapshot.ts';

/** An empty store for one case to work in. */
export interface BackendPlace {
  /** Opens the store. The case closes what it opens. */
  open(): Promise<BackendSet>;
  /** Removes the store, after the case. */
  dispose?(): Promise<void>;
}

/** What a case does with one set that is opened and closed for it. */
export type SetCase = (set: BackendSet) => Promise<void>;

/** Ids that have broken stores before. */
export const HOSTILE_IDS: readonly string[] = [
  'job-1',
  'job-10',
  'job-1.0',
  '__proto__',
  'constructor',
  'a b',
  ' ',
  'it\'s "quoted" `so`',
  '%_*?[a]',
  ';DROP TABLE steps;--',
  'ключ-鍵-🗝️-👩‍👩‍👧',
  'e\u0301',
  '\u00e9',
  'x'.repeat(200),
  '🗝'.repeat(200),
];

/** What is no id. */
export const INVALID_IDS: readonly string[] = [
  '',
  '.',
  '..',
  'a/b',
  '/a',
  'a\\b',
  '../a',
  'a..b',
  'a\u0000b',
  'a\nb',
  'a\u007fb',
  'a\u2028b',
  'a\ud800',
  'x'.repeat(201),
];

/** A snapshot of a step, `running` unless told otherwise. */
export function snapshotOf(
  executionId: string,
  step: number,
  fields: Partial<MachineSnapshot> = {},
): MachineSnapshot {
  return {
    execution_id: executionId,
    machine_name: 'conformance',
    spec_version: '1.0.0',
    current_state: 'work',
    context: { step },
    step,
    created_at: new Date(Date.UTC(2026, 0, 1) + step * 1000).toISOString(),
    status: 'running',
    next_state: 'work',
    work_step: step + 1,
    input: { of: executionId },
    config_hash: 'hash',
    epoch: 1,
    ...fields,
  };
}

/** Saves steps `from` to `to`, one after the other. */
export async function saveSteps(
  set: BackendSet,
  id: string,
  from: number,
  to: number,
  keep?: number,
): Promise<void> {
  for (let step = from; step <= to; step++) {
    await set.persistence.save(stepKey(id, step), snapshotOf(id, step), keep === undefined ? {} : { keep });
  }
}

/** Numbers of the kept steps, in order. */
export async function keptSteps(set: BackendSet, id: string): Promise<number[]> {
  return (await set.persistence.history(id)).map((record) => record.snapshot.step);
}

/** Acquires `key` and gives back the fence. */
export async function acquired(set: BackendSet, key: string): Promise<Fence> {
  assert.equal(await set.locking.acquire(key), true, `${key} should be free`);
  const lease = set.locking.lease(key);
  assert.ok(lease, 'a lease that was acquired is there');
  return { key: lease.key, token: lease.token };
}

/** An event as the engine emits it. */
export function eventOf(executionId: string, step: number, state?: string): ExecutionEvent {
  const base = { time: '2026-01-01T00:00:00.000Z', execution_id: executionId, step };
  return { type: 'log', level: 'info', message: 'hello', ...base, ...(state === undefined ? {} : { state }) };
}

/** Asserts that `work` is refused with this code. */
export async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(
    work,
    (error) => isFlatMachineError(error, code) || assert.fail(`expected ${code}, got ${error}`),
  );
}
