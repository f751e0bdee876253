import { toJson } from '../../json.ts';
import { environmentExists } from '../failures.ts';
import type { EnvironmentRecord, Slot, SlotBackend } from '../interfaces.ts';
import {
  BUSY_STATES,
  changedSlot,
  environmentGone,
  HELD_STATES,
  requireSlot,
  seizedSlot,
} from '../slot-rules.ts';
import { checkFence, type MemoryStore } from './store.ts';

/** Slots and environments of one process. */
export function createMemorySlots(store: MemoryStore): SlotBackend {
  const environments = new Map<string, EnvironmentRecord>();
  const slots = new Map<string, Slot>();

  function put(slot: Slot): Slot {
    slots.set(slot.slot_id, copy(slot));
    return copy(slot);
  }

  function slotsOf(environmentId: string): Slot[] {
    return [...slots.values()].filter((slot) => slot.alloc_id === environmentId);
  }

  /** Of the fullest environment, so that others fall idle and can be taken down. */
  function pickAvailable(pool: string): Slot | null {
    const free = [...slots.values()].filter(
      (slot) =>
        slot.pool === pool &&
        slot.state === 'available' &&
        environments.get(slot.alloc_id)?.state === 'ready',
    );
    const count = new Map<string, number>();
    for (const { alloc_id } of free) count.set(alloc_id, (count.get(alloc_id) ?? 0) + 1);
    let best: Slot | null = null;
    for (const slot of free) {
      if (!best || (count.get(slot.alloc_id) ?? 0) < (count.get(best.alloc_id) ?? 0)) best = slot;
    }
    return best;
  }

  return {
    async addEnvironment(environment, fence) {
      checkFence(store, fence);
      if (environments.has(environment.environment_id)) throw environmentExists(environment.environment_id);
      environments.set(environment.environment_id, copy(environment));
    },
    async updateEnvironment(id, change) {
      const environment = environments.get(id);
      const resurrects =
        environment?.state === 'destroying' && (change.state ?? 'destroying') !== 'destroying';
      if (!environment || resurrects) throw environmentGone(id);
      Object.assign(environment, copy(change));
    },
    async retireEnvironment(id) {
      const environment = environments.get(id);
      if (!environment) return false;
      const ready = environment.state !== 'creating';
      if (ready && slotsOf(id).some((slot) => BUSY_STATES.includes(slot.state))) return false;
      environment.state = 'destroying';
      return true;
    },
    async removeEnvironment(id) {
      environments.delete(id);
      for (const slot of slotsOf(id)) slots.delete(slot.slot_id);
    },
    async environments(filter = {}) {
      return [...environments.values()].filter((e) => matches(e, filter)).map(copy);
    },
    async addSlots(added) {
      for (const { alloc_id } of added) if (!environments.has(alloc_id)) throw environmentGone(alloc_id);
      for (const slot of added) if (!slots.has(slot.slot_id)) put(slot);
    },
    async acquireSlot(pool, trajectory, fence) {
      checkFence(store, fence);
      const held = [...slots.values()].find(
        (slot) => slot.pool === pool && slot.trajectory_id === trajectory && HELD_STATES.includes(slot.state),
      );
      if (held) return put({ ...held, token: held.token + 1 });
      const free = pickAvailable(pool);
      return free && put({ ...free, state: 'acquired', trajectory_id: trajectory, token: free.token + 1 });
    },
    async slot(slotId) {
      const slot = slots.get(slotId);
      return slot ? copy(slot) : null;
    },
    async changeSlot(slotId, token, from, change) {
      return put(changedSlot(requireSlot(slots.get(slotId), slotId), token, from, change));
    },
    async seizeSlot(slotId, expectedToken) {
      return put(seizedSlot(requireSlot(slots.get(slotId), slotId), expectedToken));
    },
    async slots(filter = {}) {
      const { pool, environment, trajectory, state } = filter;
      const wanted = { pool, alloc_id: environment, trajectory_id: trajectory, state };
      return [...slots.values()].filter((slot) => matches(slot, wanted)).map(copy);
    },
  };
}

function matches<T extends object>(row: T, wanted: { [K in keyof T]?: T[K] | undefined }): boolean {
  return (Object.keys(wanted) as (keyof T)[]).every(
    (field) => wanted[field] === undefined || row[field] === wanted[field],
  );
}

function copy<T extends object>(row: T): T {
  return toJson(row) as T;
}
