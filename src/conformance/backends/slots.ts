import assert from 'node:assert/strict';
import type { BackendSet, EnvironmentRecord, Fence, Slot, SlotState } from '../../backends/interfaces.ts';
import { acquired, refused, type SetCase } from './place.ts';

function environmentOf(id: string, n: number, pool = 'pool'): EnvironmentRecord {
  return {
    environment_id: id,
    pool,
    runner: 'local',
    state: 'creating',
    address: '',
    spec: { image: 'busybox', nested: [n] },
    owner: 'job',
    created_at: new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(),
  };
}

function slotOf(environment: string, n: number, pool = 'pool'): Slot {
  const slot_id = `${environment}-slot-${n}`;
  return {
    slot_id,
    alloc_id: environment,
    container_addr: `unix:${environment}`,
    workspace_dir: `/data/${slot_id}`,
    state: 'available',
    trajectory_id: null,
    metadata: {},
    pool,
    token: 0,
  };
}

/** Adds ready environments with `slots` slots each. */
async function prepare(set: BackendSet, environments: readonly string[], slots: number): Promise<Fence> {
  const fence = await acquired(set, 'job');
  for (const [n, id] of environments.entries()) {
    await set.slots.addEnvironment(environmentOf(id, n), fence);
    await set.slots.addSlots(Array.from({ length: slots }, (_, i) => slotOf(id, i)));
    await set.slots.updateEnvironment(id, { state: 'ready', address: `unix:${id}` });
  }
  return fence;
}

async function take(set: BackendSet, trajectory: string, fence: Fence): Promise<Slot> {
  const slot = await set.slots.acquireSlot('pool', trajectory, fence);
  assert.ok(slot, 'a slot is free');
  return slot;
}

/** Cases of {@link SlotBackend} on one open set. */
export const slotCases: Readonly<Record<string, SetCase>> = {
  'an environment is recorded before it exists, and until it is gone': async (set) => {
    const fence = await acquired(set, 'job');
    const { slots } = set;
    await slots.addEnvironment(environmentOf('e1', 1), fence);
    await refused('already-exists', slots.addEnvironment(environmentOf('e1', 1), fence));
    await slots.addEnvironment(environmentOf('e2', 2, 'other'), fence);
    assert.deepEqual(await slots.environments({ pool: 'pool' }), [environmentOf('e1', 1)]);
    assert.equal((await slots.environments({ runner: 'local' })).length, 2);
    await slots.updateEnvironment('e1', { state: 'ready', address: 'there' });
    const ready = { ...environmentOf('e1', 1), state: 'ready', address: 'there' } as const;
    assert.deepEqual((await slots.environments())[0], ready);
    await slots.removeEnvironment('e1');
    await slots.removeEnvironment('e1');
    await refused('not-found', slots.updateEnvironment('e1', { state: 'ready' }));
    assert.equal((await slots.environments()).length, 1);
  },

  'a process without the lease records nothing and takes nothing': async (set) => {
    const stale = await prepare(set, ['e1'], 1);
    await set.locking.release('job');
    await refused('lease-lost', set.slots.addEnvironment(environmentOf('e2', 2), stale));
    await refused('lease-lost', set.slots.acquireSlot('pool', 'job', stale));
    assert.equal((await set.slots.environments()).length, 1);
    assert.equal((await set.slots.slot('e1-slot-0'))?.state, 'available');
  },

  'slots are added once': async (set) => {
    const fence = await prepare(set, ['e1'], 2);
    const slot = await take(set, 'job', fence);
    await set.slots.addSlots([slotOf('e1', 0), slotOf('e1', 1), slotOf('e1', 2)]);
    assert.deepEqual(await set.slots.slot(slot.slot_id), slot);
    assert.equal((await set.slots.slots({ environment: 'e1' })).length, 3);
    await refused('not-found', set.slots.addSlots([slotOf('gone', 0)]));
    assert.equal(await set.slots.slot('gone-slot-0'), null);
  },

  'a slot has one holder, and each acquisition a new token': async (set) => {
    const fence = await prepare(set, ['e1'], 2);
    const trajectories = ['a', 'b', 'c'];
    // Which of them comes too late is the store's to say.
    const got = await Promise.all(trajectories.map((id) => set.slots.acquireSlot('pool', id, fence)));
    const held = trajectories.flatMap((id, n) => {
      const slot = got[n];
      return slot ? [{ id, slot }] : [];
    });
    assert.deepEqual(held.map(({ slot }) => slot.slot_id).sort(), ['e1-slot-0', 'e1-slot-1']);
    for (const { id, slot } of held) {
      assert.deepEqual([slot.state, slot.trajectory_id, slot.token], ['acquired', id, 1]);
      assert.deepEqual(await set.slots.slot(slot.slot_id), slot);
    }
    assert.equal(await set.slots.acquireSlot('elsewhere', 'c', fence), null);
  },

  'a trajectory that asks again gets its slot back, and its older self is fenced off': async (set) => {
    const fence = await prepare(set, ['e1'], 2);
    const first = await take(set, 'job', fence);
    await set.slots.changeSlot(first.slot_id, first.token, ['acquired'], {
      state: 'executing',
      metadata: { n: 1 },
    });
    const again = await take(set, 'job', fence);
    assert.equal(again.slot_id, first.slot_id);
    assert.equal(again.token, first.token + 1);
    assert.deepEqual([again.state, again.metadata], ['executing', { n: 1 }]);
    await refused(
      'lease-lost',
      set.slots.changeSlot(first.slot_id, first.token, ['executing'], { state: 'acquired' }),
    );
    await set.slots.changeSlot(first.slot_id, again.token, ['executing'], { state: 'acquired' });
  },

  'the whole way round': async (set) => {
    const fence = await prepare(set, ['e1'], 1);
    const slot = await take(set, 'job', fence);
    const go = (from: SlotState, to: SlotState) =>
      set.slots.changeSlot(slot.slot_id, slot.token, [from], { state: to });
    await go('acquired', 'executing');
    await go('executing', 'acquired');
    await go('acquired', 'releasing');
    const free = await go('releasing', 'available');
    assert.deepEqual([free.state, free.trajectory_id], ['available', null]);
    assert.ok(free.token > slot.token);
    await refused('lease-lost', go('available', 'error'));
    assert.equal((await take(set, 'next', fence)).trajectory_id, 'next');
  },

  'moves that do not exist are refused': async (set) => {
    const fence = await prepare(set, ['e1'], 2);
    const slot = await take(set, 'job', fence);
    const go = (from: readonly SlotState[], to: SlotState) =>
      set.slots.changeSlot(slot.slot_id, slot.token, from, { state: to });
    await refused('illegal-slot-move', go(['executing'], 'acquired'));
    await refused('illegal-slot-move', go([], 'executing'));
    await refused('illegal-slot-move', go(['acquired'], 'available'));
    await go(['acquired'], 'executing');
    await refused('illegal-slot-move', go(['executing'], 'available'));
    await go(['acquired', 'executing'], 'error');
    await refused('illegal-slot-move', go(['error'], 'acquired'));
    await refused(
      'illegal-slot-move',
      set.slots.changeSlot('e1-slot-1', 0, ['available'], { state: 'acquired' }),
    );
    await refused('not-found', set.slots.changeSlot('nobody', 1, ['acquired'], {}));
    assert.equal((await set.slots.slot(slot.slot_id))?.state, 'error');
  },

  'a seized slot is nobody’s until it was reset': async (set) => {
    const fence = await prepare(set, ['e1'], 1);
    const slot = await take(set, 'job', fence);
    await refused('lease-lost', set.slots.seizeSlot(slot.slot_id, slot.token + 1));
    const seized = await set.slots.seizeSlot(slot.slot_id, slot.token);
    assert.deepEqual([seized.state, seized.token], ['releasing', slot.token + 1]);
    await refused('lease-lost', set.slots.seizeSlot(slot.slot_id, slot.token));
    await refused(
      'lease-lost',
      set.slots.changeSlot(slot.slot_id, slot.token, ['acquired'], { state: 'executing' }),
    );
    assert.equal(await set.slots.acquireSlot('pool', 'job', fence), null);
    const free = await set.slots.changeSlot(slot.slot_id, seized.token, ['releasing'], {
      state: 'available',
    });
    await refused('illegal-slot-move', set.slots.seizeSlot(slot.slot_id, free.token));
    await refused('not-found', set.slots.seizeSlot('nobody', 1));
  },

  'the fullest environment is used first': async (set) => {
    const fence = await prepare(set, ['e1', 'e2'], 3);
    const first = await take(set, 'a', fence);
    for (const trajectory of ['b', 'c']) {
      assert.equal((await take(set, trajectory, fence)).alloc_id, first.alloc_id);
    }
    assert.notEqual((await take(set, 'd', fence)).alloc_id, first.alloc_id);
  },

  'slots of an environment that is not ready are not handed out': async (set) => {
    const fence = await acquired(set, 'job');
    await set.slots.addEnvironment(environmentOf('e1', 1), fence);
    await set.slots.addSlots([slotOf('e1', 0)]);
    assert.equal(await set.slots.acquireSlot('pool', 'job', fence), null);
    await set.slots.updateEnvironment('e1', { state: 'ready' });
    await take(set, 'job', fence);
  },

  'an environment is retired only while nobody holds a slot of it, and stays so': async (set) => {
    const fence = await prepare(set, ['e1'], 2);
    const slot = await take(set, 'job', fence);
    assert.equal(await set.slots.retireEnvironment('e1'), false);
    await set.slots.changeSlot(slot.slot_id, slot.token, ['acquired'], { state: 'releasing' });
    assert.equal(await set.slots.retireEnvironment('e1'), false);
    await set.slots.changeSlot(slot.slot_id, slot.token, ['releasing'], { state: 'available' });
    assert.equal(await set.slots.retireEnvironment('e1'), true);
    assert.equal((await set.slots.environments())[0]?.state, 'destroying');
    assert.equal(await set.slots.acquireSlot('pool', 'job', fence), null);
    await refused('not-found', set.slots.updateEnvironment('e1', { state: 'ready' }));
    assert.equal(await set.slots.retireEnvironment('e1'), true);
    await set.slots.removeEnvironment('e1');
    assert.deepEqual(await set.slots.slots(), []);
    assert.equal(await set.slots.retireEnvironment('e1'), false);
  },

  'slots are found by pool, environment, trajectory and state': async (set) => {
    const fence = await prepare(set, ['e1', 'e2'], 2);
    const slot = await take(set, 'job', fence);
    assert.equal((await set.slots.slots()).length, 4);
    assert.equal((await set.slots.slots({ pool: 'pool' })).length, 4);
    assert.equal((await set.slots.slots({ pool: 'p' })).length, 0);
    assert.equal((await set.slots.slots({ environment: 'e1' })).length, 2);
    assert.equal((await set.slots.slots({ state: 'available' })).length, 3);
    assert.deepEqual(await set.slots.slots({ trajectory: 'job', state: 'acquired' }), [slot]);
  },
};
