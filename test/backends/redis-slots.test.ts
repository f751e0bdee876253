import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet, EnvironmentRecord, Fence, Slot } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { describeWith } from '../helpers/components.ts';
import type { TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';
import { killClients } from './redis-storm.ts';

function environmentOf(id: string): EnvironmentRecord {
  return {
    environment_id: id,
    pool: 'pool',
    runner: 'local',
    state: 'creating',
    address: '',
    spec: {},
    owner: 'job',
    created_at: '2026-01-01T00:00:00.000Z',
  };
}

function slotOf(environment: string, n: number): Slot {
  return {
    slot_id: `${environment}-${n}`,
    alloc_id: environment,
    container_addr: '',
    workspace_dir: `/data/${n}`,
    state: 'available',
    trajectory_id: null,
    metadata: {},
    pool: 'pool',
    token: 0,
  };
}

describeWith('redis', 'slots', redisAvailability(), () => {
  let server: TestServer;
  let set: BackendSet;
  let fence: Fence;

  async function addReady(id: string, slots: number): Promise<void> {
    await set.slots.addEnvironment(environmentOf(id), fence);
    await set.slots.addSlots(Array.from({ length: slots }, (_, n) => slotOf(id, n)));
    await set.slots.updateEnvironment(id, { state: 'ready' });
  }

  beforeEach(async () => {
    server = await startRedis();
    set = await openBackends(server.url);
    await set.locking.acquire('job');
    const lease = set.locking.lease('job');
    if (!lease) throw new Error('nobody else is here');
    fence = { key: lease.key, token: lease.token };
  });

  afterEach(async () => {
    await set.close();
    await server.dispose();
  });

  it('1,000 that ask for 100 slots: 100 get one, and no slot is given twice', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await addReady(id, 25);
    const asked = Array.from({ length: 1000 }, (_, n) => set.slots.acquireSlot('pool', `t-${n}`, fence));
    const got = (await Promise.all(asked)).filter((slot) => slot !== null);
    expect(got).toHaveLength(100);
    expect(new Set(got.map(({ slot_id }) => slot_id)).size).toBe(100);
  });

  it('connections killed all the time: nobody is told that somebody else was faster', async () => {
    const storm = killClients(server.port, 60);
    const rounds: number[] = [];
    const trajectory = async (name: string) => {
      let round = 0;
      for (; storm.kills() < 15; round++) {
        await addReady(`${name}-${round}`, 1);
        const slot = await set.slots.acquireSlot('pool', name, fence);
        if (!slot) throw new Error('each adds one before it takes one');
        const { slot_id, token } = slot;
        await set.slots.changeSlot(slot_id, token, ['acquired'], { state: 'executing', metadata: { round } });
        await set.slots.changeSlot(slot_id, token, ['executing'], { state: 'acquired' });
        const seized = await set.slots.seizeSlot(slot_id, token);
        expect(seized.metadata).toEqual({ round });
        await set.slots.changeSlot(slot_id, seized.token, ['releasing'], { state: 'available' });
      }
      rounds.push(round);
    };
    try {
      await Promise.all(Array.from({ length: 8 }, (_, n) => trajectory(`t-${n}`)));
    } finally {
      await storm.stop();
    }
    const slots = await set.slots.slots({ state: 'available' });
    expect(slots).toHaveLength(rounds.reduce((sum, n) => sum + n, 0));
    expect(await set.slots.environments()).toHaveLength(slots.length);
  });

  it('indices hold nothing of what was removed', async () => {
    for (let n = 0; n < 3; n++) {
      await addReady('a', 2);
      const slot = await set.slots.acquireSlot('pool', 'job', fence);
      expect([slot?.slot_id, slot?.token]).toEqual(['a-0', 1]);
      await set.slots.removeEnvironment('a');
      expect(await set.slots.slots({ trajectory: 'job' })).toEqual([]);
      expect(await set.slots.acquireSlot('pool', 'other', fence)).toBe(null);
    }
    expect(await set.slots.slots({ pool: 'pool' })).toEqual([]);
    expect(await set.slots.environments()).toEqual([]);
  });

  it('a slot that two change at once has one that is told so', async () => {
    await addReady('a', 1);
    const slot = (await set.slots.acquireSlot('pool', 'job', fence)) as Slot;
    const changes = Array.from({ length: 10 }, (_, n) =>
      set.slots.changeSlot(slot.slot_id, slot.token, ['acquired'], { state: 'executing', metadata: { n } }),
    );
    const outcomes = await Promise.allSettled(changes);
    const done = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(done).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('illegal-slot-move');
    }
  });
});
