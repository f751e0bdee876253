import type { BackendSet } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import type { HookEnvironment, WorkCall } from '../execution/interfaces.ts';
import { isJsonObject } from '../json.ts';
import type { Runner } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { Activity } from './activity.ts';
import type { PoolSpec } from './identity.ts';
import { type HeldSlot, SlotPool } from './pool.ts';
import type { RecordedTurn } from './recording.ts';
import { type OpenRunner, releaseExecution } from './release.ts';
import type { RolloutSettings } from './settings.ts';
import { loadTask, type Task } from './task.ts';

/** Facts of a rollout that its context carries from state to state under `task`. */
export interface TaskFacts {
  path: string;
  name: string;
  /** What the task's file says the agent is to do, or null. */
  description: string | null;
  /** The recorded agent, or null where the machine itself works in the slot. */
  agent: string | null;
  /** Of the recording. */
  turns: number;
  max_turns: number;
  image: string | null;
  runner: string;
  isolation: string;
  /** Milliseconds since the epoch. */
  started_at: number;
  /** What the place of the hidden tests is derived from. Never told to the agent. */
  secret: string;
}

interface SharedPool {
  pool: SlotPool;
  users: number;
}

/** Executions of one process that use the same store and the same kind of slot stand in the same line. */
const pools = new WeakMap<BackendSet, Map<string, SharedPool>>();

/** What one execution's rollout hooks have open in this process. Everything in it can be found again from the store. */
export class RolloutSession {
  readonly settings: RolloutSettings;
  readonly environment: HookEnvironment;
  readonly #openRunner: OpenRunner;
  readonly #runners = new Map<string, Promise<Runner>>();
  #shared: { key: string; entry: SharedPool } | null = null;
  #held: HeldSlot | null = null;
  #resuming: Promise<HeldSlot> | null = null;
  #task: Promise<Task> | null = null;
  #recording: Promise<RecordedTurn[]> | null = null;
  readonly #working = new Set<Promise<unknown>>();
  readonly #activities = new WeakMap<HeldSlot, Activity>();

  constructor(settings: RolloutSettings, environment: HookEnvironment, openRunner: OpenRunner) {
    this.settings = settings;
    this.environment = environment;
    this.#openRunner = openRunner;
  }

  /** The runner of that name, opened once. */
  runner(name: string): Promise<Runner> {
    let opened = this.#runners.get(name);
    if (opened === undefined) {
      opened = Promise.resolve(this.#openRunner(name));
      this.#runners.set(name, opened);
    }
    return opened;
  }

  /** @throws FlatMachineError `unknown-runner`, or `runner-unavailable` when the runner that is named does not work here; of `auto` some runner always does */
  async check(): Promise<void> {
    const name = this.environment.options.runner ?? this.settings.runner;
    if (name === 'auto') return;
    const { available, detail, remedy } = await (await this.runner(name)).probe();
    if (available) return;
    throw new FlatMachineError('runner-unavailable', `the runner ${name} cannot be used here: ${detail}`, {
      ...(remedy === undefined ? {} : { remedy }),
    });
  }

  /** The task named in the context, read once. */
  task(facts: TaskFacts): Promise<Task> {
    this.#task ??= loadTask(facts.path);
    return this.#task;
  }

  /** The agent's turns, read once. */
  recording(facts: TaskFacts, agent: string): Promise<RecordedTurn[]> {
    this.#recording ??= this.task(facts).then((task) => task.recording(agent));
    return this.#recording;
  }

  /** What an environment for this image is to be. */
  spec(image: string | null): PoolSpec {
    const { network, limits } = this.settings;
    return {
      ...(image === null ? {} : { image }),
      ...(network === null ? {} : { network }),
      ...(limits === null ? {} : { limits }),
    };
  }

  /** The pool this rollout takes its slot from. */
  async pool(facts: TaskFacts): Promise<SlotPool> {
    if (this.#shared !== null) return this.#shared.entry.pool;
    const runner = await this.runner(facts.runner);
    const { backends, clock, stateDir } = this.environment;
    const { slotsPerEnvironment, min, max, acquireTimeout } = this.settings;
    const candidate = new SlotPool(
      { backends, runner, clock, stateDir },
      { name: 'rollout', spec: this.spec(facts.image), slotsPerEnvironment, min, max, acquireTimeout },
    );
    const key = `${candidate.name} ${min} ${max} ${acquireTimeout}`;
    const known = pools.get(backends) ?? new Map<string, SharedPool>();
    pools.set(backends, known);
    const entry = known.get(key) ?? { pool: candidate, users: 0 };
    known.set(key, entry);
    entry.users++;
    this.#shared = { key, entry };
    return entry.pool;
  }

  /** A clean slot for this execution. */
  async acquire(facts: TaskFacts, call: WorkCall): Promise<HeldSlot> {
    const pool = await this.pool(facts);
    const { executionId, fence, signal } = call;
    this.#held = await pool.acquire({ executionId, fence, signal, tell: (event) => call.emit(event) });
    return this.#held;
  }

  /**
   * The slot this execution acquired in an earlier state, taken over if that was in another process.
   * @throws FlatMachineError `sandbox-lost`, `lease-lost`
   */
  async held(context: JsonObject, call: WorkCall): Promise<HeldSlot> {
    call.signal.throwIfAborted();
    if (this.#held !== null) return this.#held;
    const slot = isJsonObject(context.slot) ? context.slot.slot_id : undefined;
    if (typeof slot !== 'string') {
      throw new FlatMachineError(
        'illegal-slot-move',
        `state "${call.state}" needs a slot: acquire_slot comes first`,
      );
    }
    // Each take-over makes the one before stale: whoever asks at the same time gets the same.
    this.#resuming ??= this.#resume(context, call, slot).finally(() => {
      this.#resuming = null;
    });
    return this.#resuming;
  }

  async #resume(context: JsonObject, call: WorkCall, slot: string): Promise<HeldSlot> {
    const pool = await this.pool(taskFacts(context));
    this.#held = await pool.resume(call.executionId, call.fence, slot);
    return this.#held;
  }

  /** The commands under way in a slot that this execution holds. */
  activity(held: HeldSlot): Activity {
    let activity = this.#activities.get(held);
    if (activity === undefined) {
      activity = new Activity(this.environment.backends.slots, held);
      this.#activities.set(held, activity);
    }
    return activity;
  }

  /** Gives the slot back. Idempotent. */
  async release(context: JsonObject, call: WorkCall): Promise<void> {
    call.signal.throwIfAborted();
    const pool = await this.pool(taskFacts(context));
    const token = this.#held?.slot.token;
    await pool.release(call.executionId, call.fence, (event) => call.emit(event), token);
    this.#held = null;
  }

  /** Remembers work that may go on after the engine has stopped waiting for it. */
  track<T>(work: Promise<T>): Promise<T> {
    const done = () => void this.#working.delete(work);
    this.#working.add(work);
    work.then(done, done);
    return work;
  }

  /** Gives back everything the execution owns, once nothing of it is under way any more. */
  async end(executionId: string): Promise<void> {
    await Promise.allSettled(this.#working);
    this.#held = null;
    const { backends } = this.environment;
    const holder = await backends.locking.holder(executionId);
    // Somebody resumed it while this process was held up: then everything is theirs.
    if (holder !== null && holder.token !== backends.locking.lease(executionId)?.token) return;
    const shared = this.#shared?.entry.pool;
    await releaseExecution(backends, (name) => this.runner(name), executionId, {
      min: () => this.settings.min,
      tell: (event) => this.environment.emit(event),
      boxes: (runner) => (shared?.boxes.runner.name === runner ? shared.boxes : undefined),
    });
    shared?.nudge();
  }

  /** Closes this process's channels, once nobody else in it uses them. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#working);
    if (this.#shared === null) return;
    const { key, entry } = this.#shared;
    this.#shared = null;
    if (--entry.users > 0) return;
    pools.get(this.environment.backends)?.delete(key);
    await entry.pool.close();
  }
}

/** The facts that `load_task` put under `context.task`. */
export function taskFacts(context: JsonObject): TaskFacts {
  if (isJsonObject(context.task) && typeof context.task.path === 'string') {
    return context.task as unknown as TaskFacts;
  }
  throw new FlatMachineError('usage', 'context.task is not set: load_task comes first', {
    remedy: 'Give load_task a state with `output_to_context: { task: output }`.',
  });
}
