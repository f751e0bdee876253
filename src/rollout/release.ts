import type { BackendSet, EnvironmentRecord, Slot } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { isFlatMachineError } from '../errors.ts';
import type { EventDraft } from '../events.ts';
import type { Runner } from '../runners/interfaces.ts';
import type { MaybePromise } from '../types.ts';
import { Boxes } from './boxes.ts';
import { makeMove } from './slot.ts';

/** How a release tells what it did. */
export type Tell = (event: EventDraft) => void;

/** Opens a runner by name. */
export type OpenRunner = (name: string) => MaybePromise<Runner>;

/**
 * Cleans a slot that is `releasing` under `slot.token` and makes it available. One that cannot be proved clean goes into quarantine; one
 * whose environment is dead goes with it.
 * @returns what became of it
 */
export async function cleanSlot(
  backends: BackendSet,
  boxes: Boxes,
  slot: Slot,
  tell: Tell,
): Promise<'available' | 'quarantined' | 'gone'> {
  crashPoint('slot.releasing');
  const environment = await boxes.attach(slot.alloc_id);
  try {
    if (environment === null) {
      await boxes.discard(slot.alloc_id);
      return 'gone';
    }
    await environment.openSlot(slot.slot_id, slot.token);
    await environment.resetSlot(slot.slot_id, slot.token);
  } catch (error) {
    if (isFlatMachineError(error, 'sandbox-lost')) {
      await boxes.discard(slot.alloc_id);
      return 'gone';
    }
    if (!isFlatMachineError(error, 'slot-dirty', 'supervisor')) throw error;
    await quarantine(backends, slot, error.message, tell);
    return 'quarantined';
  }
  crashPoint('slot.reset');
  await makeMove(backends.slots, slot, 'clean', { trajectory_id: null, metadata: {} });
  crashPoint('slot.released');
  return 'available';
}

async function quarantine(backends: BackendSet, slot: Slot, reason: string, tell: Tell): Promise<void> {
  await makeMove(backends.slots, slot, 'quarantine', {
    trajectory_id: null,
    metadata: { error: reason, trajectory_id: slot.trajectory_id },
  });
  tell({
    type: 'log',
    level: 'warn',
    message: `slot ${slot.slot_id} is in quarantine: ${reason}`,
    data: { slot_id: slot.slot_id, environment_id: slot.alloc_id },
  });
}

/**
 * Takes away environments of a pool that nobody uses, down to `min`; those with a slot in quarantine go first and always.
 * @returns the ids of those that are gone
 */
export async function scaleDown(
  backends: BackendSet,
  boxes: Boxes,
  pool: string,
  min: number,
): Promise<string[]> {
  const ready = (await backends.slots.environments({ pool })).filter(({ state }) => state === 'ready');
  const slots = await backends.slots.slots({ pool });
  const idle = (record: EnvironmentRecord) =>
    slots.every((slot) => slot.alloc_id !== record.environment_id || IDLE.has(slot.state));
  const dirty = new Set(slots.filter(({ state }) => state === 'error').map(({ alloc_id }) => alloc_id));
  const isDirty = (record: EnvironmentRecord) => dirty.has(record.environment_id);
  let left = ready.length;
  const gone: string[] = [];
  for (const record of [...ready.filter(isDirty), ...ready.filter((record) => !isDirty(record))]) {
    if (!idle(record) || (left <= min && !isDirty(record))) continue;
    if (!(await boxes.retire(record))) continue;
    gone.push(record.environment_id);
    left--;
  }
  return gone;
}

const IDLE: ReadonlySet<Slot['state']> = new Set(['available', 'error']);

/** What {@link releaseExecution} may be told. */
export interface ReleaseOptions {
  /** Only what is of this pool. Default: all. */
  pool?: string;
  /** How many environments a pool keeps though idle. Default 0. */
  min?: (pool: string) => number;
  tell?: Tell;
  /** The boxes of a runner, where the caller has them open already. */
  boxes?: (runner: string) => Boxes | undefined;
}

/**
 * Gives back every slot and environment that an execution still owns, and finishes what was begun of that. Idempotent.
 * The caller must hold the execution's lease, or know that it is over.
 */
export async function releaseExecution(
  backends: BackendSet,
  openRunner: OpenRunner,
  executionId: string,
  options: ReleaseOptions = {},
): Promise<void> {
  const tell = options.tell ?? (() => {});
  const filter = options.pool === undefined ? {} : { pool: options.pool };
  const held = await backends.slots.slots({ ...filter, trajectory: executionId });
  const environments = await backends.slots.environments(filter);
  const touched = new Set(held.map(({ alloc_id }) => alloc_id));
  const concerned = environments.filter(
    ({ environment_id, owner }) => owner === executionId || touched.has(environment_id),
  );
  const opened = new Map<string, Boxes>();
  const boxesOf = async (runner: string) => {
    const known = options.boxes?.(runner) ?? opened.get(runner);
    if (known !== undefined) return known;
    const boxes = new Boxes(backends, await openRunner(runner));
    opened.set(runner, boxes);
    return boxes;
  };
  try {
    for (const record of concerned) {
      const boxes = await boxesOf(record.runner);
      const mine = held.filter(({ alloc_id }) => alloc_id === record.environment_id);
      await giveBack(backends, boxes, record, mine, tell);
    }
    const pools = new Map(concerned.map(({ pool, runner }) => [pool, runner]));
    for (const [pool, runner] of pools) {
      await scaleDown(backends, await boxesOf(runner), pool, options.min?.(pool) ?? 0);
    }
  } finally {
    for (const boxes of opened.values()) await boxes.close();
  }
}

async function giveBack(
  backends: BackendSet,
  boxes: Boxes,
  record: EnvironmentRecord,
  slots: readonly Slot[],
  tell: Tell,
): Promise<void> {
  if (record.state !== 'ready') {
    await boxes.retire(record);
    return;
  }
  for (const slot of slots) {
    const seized = await backends.slots.seizeSlot(slot.slot_id, slot.token);
    const became = await cleanSlot(backends, boxes, seized, tell);
    tell({ type: 'slot_released', slot_id: slot.slot_id, destroyed: became === 'gone' });
    if (became === 'gone') return;
  }
}
