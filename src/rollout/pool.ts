import type { BackendSet, EnvironmentRecord, Fence, Slot } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, isFlatMachineError } from '../errors.ts';
import type { Environment, Runner } from '../runners/interfaces.ts';
import type { Clock } from '../types.ts';
import { Boxes } from './boxes.ts';
import { Growth } from './growth.ts';
import { type PoolSpec, poolName } from './identity.ts';
import { sandboxLost } from './lost.ts';
import { type FullPool, finishRetired, reclaim } from './reclaim.ts';
import { cleanSlot, scaleDown, type Tell } from './release.ts';
import { makeMove, SLOT_MOVES } from './slot.ts';
import { WaitLine } from './wait-line.ts';

/** How a pool is made and how far it may grow. */
export interface PoolSettings {
  /** First part of the pool's name. */
  name: string;
  spec: PoolSpec;
  slotsPerEnvironment: number;
  /** Environments that stay although idle. */
  min: number;
  /** Environments there may be at once, over all processes. */
  max: number;
  /** Seconds. */
  acquireTimeout: number;
}

/** What a pool works with. */
export interface PoolParts {
  backends: BackendSet;
  runner: Runner;
  clock: Clock;
  /** What the process keeps its runners' state under. */
  stateDir: string;
}

/** Who wants a slot. */
export interface AcquireRequest {
  executionId: string;
  fence: Fence;
  signal: AbortSignal;
  tell: Tell;
}

/** A slot this process may use. */
export interface HeldSlot {
  slot: Slot;
  environment: Environment;
  /** Its workspace as commands see it. */
  workspace: string;
  /** Milliseconds it took to get it. */
  waitMs: number;
}

/** How often a pool that is exhausted looks for holders that are over, milliseconds. */
const RECLAIM_EVERY_MS = 1000;

/** States of a slot whose holder works in it. */
const TAKEN: ReadonlySet<Slot['state']> = new Set(SLOT_MOVES['take-over'].from);

/**
 * Slots over one or more environments of the same kind, shared through the store with every process that has the same settings.
 * Who gets a slot is decided by the store's atomic calls alone; this class decides when to ask, to grow and to shrink.
 */
export class SlotPool {
  readonly name: string;
  readonly boxes: Boxes;
  readonly #parts: PoolParts;
  readonly #settings: PoolSettings;
  readonly #growth: Growth;
  readonly #line = new WaitLine();
  #reclaimedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: PoolParts, settings: PoolSettings) {
    const { backends, runner, clock, stateDir } = parts;
    const { name, spec, slotsPerEnvironment, max } = settings;
    this.#parts = parts;
    this.#settings = settings;
    this.name = poolName({ name, runner: runner.name, spec, slotsPerEnvironment, stateDir });
    this.boxes = new Boxes(backends, runner);
    const { boxes, name: pool } = this;
    this.#growth = new Growth({
      backends,
      runner,
      clock,
      stateDir,
      boxes,
      pool,
      spec,
      slotsPerEnvironment,
      max,
    });
  }

  /** A slot may have been given back by other means: whoever waits looks at once. */
  nudge(): void {
    this.#line.nudge();
  }

  /**
   * A clean slot: the one this execution holds already, or an available one, or one of a new environment, or, in turn, the next that
   * is given back.
   * @throws FlatMachineError `acquire-timeout`, `create-failed`, `lease-lost`; the signal's reason
   */
  async acquire(request: AcquireRequest): Promise<HeldSlot> {
    const started = performance.now();
    const held =
      (await this.#heldAlready(request)) ??
      (await this.#begunAlready(request)) ??
      (await this.#waitForOne(request));
    request.signal.throwIfAborted();
    return { ...held, waitMs: Math.round(performance.now() - started) };
  }

  /**
   * The slot this execution holds, taken over with all that is in it.
   * @throws FlatMachineError `sandbox-lost` when it or its environment is gone · `lease-lost`
   */
  async resume(executionId: string, fence: Fence, slotId: string): Promise<HeldSlot> {
    const [mine] = await this.#slotsOf(executionId);
    if (mine === undefined || mine.slot_id !== slotId || !TAKEN.has(mine.state))
      throw sandboxLost(`slot ${slotId} is held no more`);
    const slot = await this.#take(executionId, fence);
    const held = slot === null || slot.slot_id !== slotId ? null : await this.#open(slot);
    if (held === null) throw sandboxLost(`the environment of slot ${slotId} is gone`);
    return held;
  }

  /**
   * Gives back whatever slot of this pool the execution holds, then shrinks the pool if it is idle. Idempotent.
   * @param token what this process holds it under; absent = it is taken over first
   */
  async release(executionId: string, fence: Fence, tell: Tell, token?: number): Promise<void> {
    const gone = new Set<string>();
    const released = await this.#slotsOf(executionId);
    for (const slot of released) {
      const releasing = await this.#beginRelease(slot, executionId, fence, token);
      const became = await cleanSlot(this.#parts.backends, this.boxes, releasing, tell);
      if (became === 'gone') gone.add(slot.alloc_id);
    }
    await finishRetired(this.#full(tell), executionId);
    for (const id of await this.#shrink()) gone.add(id);
    this.#line.nudge();
    for (const { slot_id, alloc_id } of released) {
      tell({ type: 'slot_released', slot_id, destroyed: gone.has(alloc_id) });
    }
  }

  /** Closes this process's channels. */
  close(): Promise<void> {
    return this.boxes.close();
  }

  /** The slot of an earlier attempt, emptied: whatever that left in it must not be met by this one. */
  async #heldAlready({ executionId, fence, tell }: AcquireRequest): Promise<HeldSlot | null> {
    const [mine] = await this.#slotsOf(executionId);
    if (mine === undefined) return null;
    if (!TAKEN.has(mine.state)) {
      // An earlier attempt was giving it back when it was cut off.
      await this.release(executionId, fence, tell);
      return null;
    }
    const all = await this.#parts.backends.slots.environments({ pool: this.name });
    const record = all.find(({ environment_id }) => environment_id === mine.alloc_id);
    if (record?.state !== 'ready') return null;
    const slot = await this.#take(executionId, fence);
    const held = slot === null ? null : await this.#open(slot);
    try {
      await held?.environment.resetSlot(held.slot.slot_id, held.slot.token);
      return held;
    } catch (error) {
      if (!isFlatMachineError(error, 'slot-dirty', 'sandbox-lost')) throw error;
      await this.release(executionId, fence, tell, held?.slot.token);
      return null;
    }
  }

  /** A slot of the environment that an earlier attempt had begun to create. */
  async #begunAlready(request: AcquireRequest): Promise<HeldSlot | null> {
    const record = await this.#growth.begun(request.executionId);
    return record === null ? null : this.#grow(record, request);
  }

  async #waitForOne(request: AcquireRequest): Promise<HeldSlot> {
    const { acquireTimeout, max } = this.#settings;
    const deadline = performance.now() + acquireTimeout * 1000;
    for (let first = false; ; first = true) {
      const ticket = this.#line.join({
        signal: request.signal,
        timeout: acquireTimeout,
        deadline,
        first,
        onWaiting: (position, reason) => request.tell({ type: 'slot_waiting', position, reason }),
      });
      let record: EnvironmentRecord | null = null;
      try {
        await ticket.turn();
        for (;;) {
          const slot = await this.#take(request.executionId, request.fence);
          const held = slot === null ? null : await this.#open(slot);
          if (held !== null) return held;
          if (slot !== null) continue;
          record = await this.#growth.reserve(request);
          if (record !== null) break;
          if (await this.#reclaim(request)) continue;
          await ticket.pause(`all ${max} environments of pool ${this.name} are in use`);
        }
      } finally {
        ticket.leave();
      }
      // The place in line is given up meanwhile, so that others can start environments of their own.
      const held = await this.#grow(record, request);
      if (held !== null) return held;
    }
  }

  /** Makes the recorded environment and takes its first slot; null when it died at once. */
  async #grow(record: EnvironmentRecord, request: AcquireRequest): Promise<HeldSlot | null> {
    try {
      await this.#growth.create(record, request);
    } finally {
      this.#line.nudge();
    }
    const slot = await this.#take(request.executionId, request.fence);
    return slot === null ? null : this.#open(slot);
  }

  async #take(executionId: string, fence: Fence): Promise<Slot | null> {
    const { slots } = this.#parts.backends;
    const slot = await slots.acquireSlot(this.name, executionId, fence);
    if (slot === null) return null;
    crashPoint('slot.acquired');
    // Taken over in mid-command: that command is joined or collected by whoever asks for it again.
    return slot.state === 'executing' ? makeMove(slots, slot, 'finish') : slot;
  }

  /** Opens the slot in its box; null when the box is dead, which is then forgotten. */
  async #open(slot: Slot): Promise<HeldSlot | null> {
    try {
      const environment = await this.boxes.attach(slot.alloc_id);
      if (environment !== null) {
        const workspace = await environment.openSlot(slot.slot_id, slot.token);
        crashPoint('slot.opened');
        return { slot, environment, workspace, waitMs: 0 };
      }
    } catch (error) {
      if (!isFlatMachineError(error, 'sandbox-lost')) throw error;
    }
    await this.boxes.discard(slot.alloc_id);
    return null;
  }

  async #reclaim({ executionId, tell }: AcquireRequest): Promise<boolean> {
    if (performance.now() - this.#reclaimedAt < RECLAIM_EVERY_MS) return false;
    this.#reclaimedAt = performance.now();
    return reclaim(this.#full(tell), executionId);
  }

  #full(tell: Tell): FullPool {
    const { boxes, name: pool } = this;
    return { backends: this.#parts.backends, boxes, pool, min: this.#settings.min, tell };
  }

  async #beginRelease(slot: Slot, executionId: string, fence: Fence, token?: number): Promise<Slot> {
    const { slots } = this.#parts.backends;
    if (slot.state === 'releasing') return slots.seizeSlot(slot.slot_id, slot.token);
    let current = slot;
    if (token === undefined || token !== slot.token) {
      const taken = token === undefined ? await this.#take(executionId, fence) : null;
      if (taken?.slot_id !== slot.slot_id) throw staleHolder(slot.slot_id);
      current = taken;
    }
    if (current.state === 'executing') current = await makeMove(slots, current, 'finish');
    return makeMove(slots, current, 'release');
  }

  /** While others wait, only what has a slot in quarantine goes, to make room for an environment that has none. */
  #shrink(): Promise<string[]> {
    const min = this.#line.length > 0 ? Number.POSITIVE_INFINITY : this.#settings.min;
    return scaleDown(this.#parts.backends, this.boxes, this.name, min);
  }

  async #slotsOf(executionId: string): Promise<Slot[]> {
    return this.#parts.backends.slots.slots({ pool: this.name, trajectory: executionId });
  }
}

function staleHolder(slotId: string): FlatMachineError {
  return new FlatMachineError('lease-lost', `slot ${slotId} was taken over or released`);
}
