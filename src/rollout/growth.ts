import type { BackendSet, EnvironmentRecord, Slot } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, isFlatMachineError, toError } from '../errors.ts';
import type { Environment, EnvironmentSpec, Runner } from '../runners/interfaces.ts';
import type { Clock, JsonObject } from '../types.ts';
import type { Boxes } from './boxes.ts';
import { newEnvironmentId, ownerLabels, type PoolSpec } from './identity.ts';
import type { AcquireRequest } from './pool.ts';

/** How a pool makes its environments. */
export interface GrowthParts {
  backends: BackendSet;
  runner: Runner;
  clock: Clock;
  stateDir: string;
  boxes: Boxes;
  pool: string;
  spec: PoolSpec;
  slotsPerEnvironment: number;
  /** Environments there may be at once, over all processes. */
  max: number;
}

/**
 * The growing of a pool: an environment is recorded, then made, then given its slots, and only then ready for others. Each step can be
 * repeated after a crash by the execution that began it.
 */
export class Growth {
  readonly #parts: GrowthParts;

  constructor(parts: GrowthParts) {
    this.#parts = parts;
  }

  /** The environment that an earlier attempt of this execution had begun, if there still is room for it. */
  async begun(executionId: string): Promise<EnvironmentRecord | null> {
    const { boxes, max } = this.#parts;
    const all = await this.#environments();
    const record = all.find(({ state, owner }) => state === 'creating' && owner === executionId);
    if (record === undefined || all.length <= max) return record ?? null;
    await boxes.retire(record);
    return null;
  }

  /** Room for one more environment, recorded before it exists; null when the pool is as large as it may be. */
  async reserve({ executionId, fence }: AcquireRequest): Promise<EnvironmentRecord | null> {
    const { backends, max } = this.#parts;
    if ((await this.#environments()).length >= max) return null;
    const record = this.#newRecord(executionId);
    await backends.slots.addEnvironment(record, fence);
    crashPoint('environment.intent-recorded');
    // Several processes may have seen the last free place: all who made it one too many step back and look again later.
    if ((await this.#environments()).length <= max) return record;
    await backends.slots.removeEnvironment(record.environment_id);
    return null;
  }

  /**
   * Makes the recorded environment. Its first slot is its creator's from the start, so that nobody snatches what somebody else has waited for.
   * @throws FlatMachineError `create-failed` · `lease-lost` when the record was taken away meanwhile
   */
  async create(record: EnvironmentRecord, { executionId, tell }: AcquireRequest): Promise<void> {
    const { backends, runner, boxes } = this.#parts;
    const id = record.environment_id;
    let environment: Environment;
    try {
      environment = await runner.create(record.spec as unknown as EnvironmentSpec);
    } catch (error) {
      await boxes.retire(record).catch((thrown: unknown) => {
        const message = `environment ${id} may be left behind: ${toError(thrown).message}`;
        tell({ type: 'log', level: 'warn', message });
      });
      throw error;
    }
    crashPoint('environment.created');
    try {
      await backends.slots.addSlots(await this.#slotsFor(environment, executionId));
      crashPoint('slot.recorded');
      await backends.slots.updateEnvironment(id, { state: 'ready', address: environment.address });
    } catch (error) {
      if (!isFlatMachineError(error, 'not-found')) throw error;
      // Nobody else knows of it any more.
      await environment.destroy();
      throw new FlatMachineError('lease-lost', `environment ${id} was given up meanwhile`, { cause: error });
    }
    boxes.keep(environment);
  }

  #environments(): Promise<EnvironmentRecord[]> {
    return this.#parts.backends.slots.environments({ pool: this.#parts.pool });
  }

  #newRecord(executionId: string): EnvironmentRecord {
    const { backends, runner, clock, stateDir, pool } = this.#parts;
    const now = clock.now();
    const spec: EnvironmentSpec = {
      ...this.#parts.spec,
      id: newEnvironmentId(),
      labels: ownerLabels(executionId, pool, stateDir, backends, now),
    };
    return {
      environment_id: spec.id,
      pool,
      runner: runner.name,
      state: 'creating',
      address: '',
      spec: spec as unknown as JsonObject,
      owner: executionId,
      created_at: new Date(now).toISOString(),
    };
  }

  async #slotsFor(environment: Environment, executionId: string): Promise<Slot[]> {
    const slots: Slot[] = [];
    for (let index = 0; index < this.#parts.slotsPerEnvironment; index++) {
      const slot_id = `${environment.id}-${index}`;
      slots.push({
        slot_id,
        alloc_id: environment.id,
        container_addr: environment.address,
        workspace_dir: await environment.openSlot(slot_id, 0),
        state: index === 0 ? 'acquired' : 'available',
        trajectory_id: index === 0 ? executionId : null,
        metadata: {},
        pool: this.#parts.pool,
        token: 0,
      });
    }
    return slots;
  }
}
