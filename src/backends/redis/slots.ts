import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { environmentExists, staleFence } from '../failures.ts';
import type { EnvironmentRecord, Slot, SlotBackend, SlotState } from '../interfaces.ts';
import { changedSlot, environmentGone, requireSlot, seizedSlot } from '../slot-rules.ts';
import type { RedisStore, Script } from './connection.ts';
import { SLOT_SCRIPTS } from './lua/slots.ts';
import { drawNonce } from './nonce.ts';

/** Records that one script reads at most: others are served in between. */
const PAGE = 500;

type EnvironmentRow = [fixed: string, state: EnvironmentRecord['state'], address: string];
type SlotRow = [
  version: string,
  fixed: string,
  state: SlotState,
  trajectory: string | null,
  metadata: string,
  token: string,
];

/** A slot and the version it was read at. */
interface Versioned {
  slot: Slot;
  version: string;
}

/** Slots and environments on a redis server. */
export function createRedisSlots(store: RedisStore): SlotBackend {
  const scripts = Object.fromEntries(
    Object.entries(SLOT_SCRIPTS).map(([name, lua]) => [name, store.script(lua)]),
  ) as Record<keyof typeof SLOT_SCRIPTS, Script>;

  async function read<Row>(script: Script, ids: readonly string[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (let i = 0; i < ids.length; i += PAGE)
      rows.push(...((await script(...ids.slice(i, i + PAGE))) as Row[]));
    return rows;
  }

  async function find(slotId: string): Promise<Versioned | null> {
    const [row] = await read<SlotRow>(scripts.slots, [slotId]);
    return row ? { slot: toSlot(row), version: row[0] } : null;
  }

  /** Applies `rule` to a slot as it is; when it has changed before the write, to what it is by then. */
  async function change(slotId: string, rule: (slot: Slot) => Slot): Promise<Slot> {
    const nonce = drawNonce();
    for (;;) {
      const found = await find(slotId);
      const next = rule(requireSlot(found?.slot, slotId));
      const { state, trajectory_id, metadata, token } = next;
      const fields = [state, trajectory_id ?? '', JSON.stringify(metadata), token];
      if ((await scripts.change(slotId, nonce, found?.version ?? '', ...fields)) === 1) return next;
    }
  }

  return {
    async addEnvironment(environment, fence) {
      const { state, address, ...fixed } = environment;
      const { environment_id: id, pool, created_at } = environment;
      const text = JSON.stringify(toJson(fixed));
      const nonce = drawNonce();
      const fields = [id, nonce, pool, created_at, text, state, address];
      const outcome = await scripts.addEnvironment(fence.key, fence.token, ...fields);
      if (outcome === 'stale') throw staleFence(fence);
      if (outcome === 'exists') throw environmentExists(id);
    },

    async updateEnvironment(id, { state, address }) {
      const done = await scripts.updateEnvironment(
        id,
        state ?? '',
        ...(address === undefined ? [] : [address]),
      );
      if (done !== 1) throw environmentGone(id);
    },

    async retireEnvironment(id) {
      return (await scripts.retireEnvironment(id)) === 1;
    },

    async removeEnvironment(id) {
      await scripts.removeEnvironment(id);
    },

    async environments({ pool, runner } = {}) {
      const ids = (await store.command('SMEMBERS', store.key('environments'))) as string[];
      const all = (await read<EnvironmentRow>(scripts.environments, ids)).map(toEnvironment);
      return all
        .filter((one) => (pool ?? one.pool) === one.pool && (runner ?? one.runner) === one.runner)
        .sort(byAge);
    },

    async addSlots(slots) {
      const fields = slots.flatMap(({ state, trajectory_id, metadata, token, ...fixed }) => [
        ...[fixed.slot_id, fixed.alloc_id, fixed.pool, JSON.stringify(toJson(fixed))],
        ...[state, trajectory_id ?? '', JSON.stringify(toJson(metadata)), token],
      ]);
      const missing = (await scripts.addSlots(...fields)) as string | null;
      if (missing !== null) throw environmentGone(missing);
    },

    async acquireSlot(pool, trajectory, fence) {
      const row = await scripts.acquire(fence.key, fence.token, pool, trajectory);
      if (row === 'stale') throw staleFence(fence);
      return row === null ? null : toSlot(row as SlotRow);
    },

    async slot(slotId) {
      return (await find(slotId))?.slot ?? null;
    },

    async changeSlot(slotId, token, from, patch) {
      const metadata = patch.metadata && (toJson(patch.metadata) as JsonObject);
      const copied = metadata ? { ...patch, metadata } : patch;
      return change(slotId, (slot) => changedSlot(slot, token, from, copied));
    },

    async seizeSlot(slotId, expectedToken) {
      return change(slotId, (slot) => seizedSlot(slot, expectedToken));
    },

    async slots({ pool, environment, trajectory, state } = {}) {
      let index = store.key('slots');
      if (trajectory !== undefined) index = store.key('slots-with', trajectory);
      else if (environment !== undefined) index = store.key('slots-in', environment);
      else if (pool !== undefined) index = store.key('slots-of', pool);
      const ids = (await store.command('ZRANGE', index, 0, -1)) as string[];
      return (await read<SlotRow>(scripts.slots, ids))
        .map(toSlot)
        .filter(
          (slot) =>
            (pool ?? slot.pool) === slot.pool &&
            (environment ?? slot.alloc_id) === slot.alloc_id &&
            (trajectory ?? slot.trajectory_id) === slot.trajectory_id &&
            (state ?? slot.state) === slot.state,
        );
    },
  };
}

function toEnvironment([fixed, state, address]: EnvironmentRow): EnvironmentRecord {
  return { ...(JSON.parse(fixed) as Omit<EnvironmentRecord, 'state' | 'address'>), state, address };
}

function toSlot([, fixed, state, trajectory_id, metadata, token]: SlotRow): Slot {
  return {
    ...(JSON.parse(fixed) as Pick<
      Slot,
      'slot_id' | 'alloc_id' | 'container_addr' | 'workspace_dir' | 'pool'
    >),
    state,
    trajectory_id,
    metadata: JSON.parse(metadata) as JsonObject,
    token: Number(token),
  };
}

function byAge(a: EnvironmentRecord, b: EnvironmentRecord): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
  return a.environment_id < b.environment_id ? -1 : 1;
}
