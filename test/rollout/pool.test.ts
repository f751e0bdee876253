import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FlatMachineError } from '../../src/errors.ts';
import { newEnvironmentId } from '../../src/rollout/identity.ts';
import type { Environment, Runner } from '../../src/runners/interfaces.ts';
import { run, type Workbench, workbench } from './workbench.ts';

for (const store of ['memory', 'sqlite']) {
  describe(`a pool of slots over the ${store} store`, () => {
    let bench: Workbench;
    beforeEach(async () => {
      bench = await workbench(store);
    });
    afterEach(() => bench.close());

    it('grows on demand, hands out one slot and shrinks when idle', async () => {
      const pool = bench.pool();
      const one = await bench.trajectory('one');
      const held = await pool.acquire(one.request());
      expect(held.slot).toMatchObject({ state: 'acquired', trajectory_id: 'one', pool: pool.name });
      expect(held.slot.workspace_dir).toBe(held.workspace);
      expect((await run(held, 'pwd -P; echo hi > file')).returncode).toBe(0);
      await pool.release('one', one.fence, one.request().tell, held.slot.token);
      expect(await bench.leftovers()).toEqual([]);
      expect(one.events).toContainEqual({
        type: 'slot_released',
        slot_id: held.slot.slot_id,
        destroyed: true,
      });
    });

    it('serves ten waiters on two slots in order, one at a time each, in a clean workspace', async () => {
      const pool = bench.pool({ slotsPerEnvironment: 2 });
      const inUse = new Set<string>();
      const served: number[] = [];
      const work = async (index: number) => {
        const me = await bench.trajectory(`w${index}`);
        const held = await pool.acquire(me.request());
        served.push(index);
        expect(inUse.has(held.slot.slot_id)).toBe(false);
        inUse.add(held.slot.slot_id);
        expect((await run(held, 'ls -A; touch mine; sleep 0.02')).stdout).toBe('');
        inUse.delete(held.slot.slot_id);
        await pool.release(me.id, me.fence, me.request().tell, held.slot.token);
        return me;
      };
      const all: Promise<{ events: unknown[] }>[] = [];
      for (let index = 0; index < 10; index++) {
        all.push(work(index));
        await delay(2);
      }
      const done = await Promise.all(all);
      // The first two get the environment's two slots at the same moment.
      expect([...served.slice(0, 2).sort(), ...served.slice(2)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(done[9]?.events).toContainEqual(expect.objectContaining({ type: 'slot_waiting' }));
      expect(await bench.leftovers()).toEqual([]);
    });

    it('keeps `min` environments warm', async () => {
      const pool = bench.pool({ min: 1, max: 2 });
      const seen = new Set<string>();
      for (const id of ['a', 'b', 'c']) {
        const me = await bench.trajectory(id);
        const held = await pool.acquire(me.request());
        seen.add(held.slot.alloc_id);
        await pool.release(id, me.fence, me.request().tell, held.slot.token);
      }
      expect(seen.size).toBe(1);
      expect(await bench.backends.slots.slots()).toMatchObject([{ state: 'available', trajectory_id: null }]);
    });

    it('gives the slot back to the trajectory that holds it, and the old holder can do nothing more', async () => {
      const pool = bench.pool();
      const me = await bench.trajectory('me');
      const old = await pool.acquire(me.request());
      await run(old, 'echo kept > file');
      const resumed = await bench.pool().resume('me', me.fence, old.slot.slot_id);
      expect(resumed.slot.slot_id).toBe(old.slot.slot_id);
      expect(resumed.slot.token).toBeGreaterThan(old.slot.token);
      expect((await run(resumed, 'cat file')).stdout).toBe('kept\n');
      await expect(run(old, 'echo stale > file')).rejects.toMatchObject({ code: 'lease-lost' });
      await expect(pool.release('me', me.fence, me.request().tell, old.slot.token)).rejects.toMatchObject({
        code: 'lease-lost',
      });
      const again = await bench.pool().acquire(me.request());
      expect(again.slot.slot_id).toBe(old.slot.slot_id);
      expect((await run(again, 'ls -A')).stdout).toBe('');
    });

    it('cannot take a slot with a stale lease', async () => {
      const pool = bench.pool();
      const me = await bench.trajectory('me');
      await bench.backends.locking.release('me');
      await bench.trajectory('me');
      await expect(pool.acquire(me.request())).rejects.toMatchObject({ code: 'lease-lost' });
      expect(await bench.leftovers()).toEqual([]);
    });

    it('gives up after acquire_timeout, or when told to, and nobody else is held up', async () => {
      const pool = bench.pool({ acquireTimeout: 0.2 });
      const holder = await bench.trajectory('holder');
      const held = await pool.acquire(holder.request());
      const late = await bench.trajectory('late');
      await expect(pool.acquire(late.request())).rejects.toMatchObject({ code: 'acquire-timeout' });
      const told = new AbortController();
      const waiting = pool.acquire((await bench.trajectory('told')).request(told.signal));
      told.abort(new FlatMachineError('interrupted', 'stop'));
      await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
      await pool.release('holder', holder.fence, holder.request().tell, held.slot.token);
      expect((await pool.acquire(late.request())).slot.trajectory_id).toBe('late');
    });

    it('replaces an environment that died', async () => {
      const pool = bench.pool({ min: 1 });
      const a = await bench.trajectory('a');
      const first = await pool.acquire(a.request());
      await pool.release('a', a.fence, a.request().tell, first.slot.token);
      await bench.runner.destroy(first.slot.alloc_id);
      const b = await bench.trajectory('b');
      const second = await pool.acquire(b.request());
      expect(second.slot.alloc_id).not.toBe(first.slot.alloc_id);
      expect(await bench.backends.slots.environments()).toHaveLength(1);
      await bench.runner.destroy(second.slot.alloc_id);
      await expect(bench.pool({ min: 1 }).resume('b', b.fence, second.slot.slot_id)).rejects.toMatchObject({
        code: 'sandbox-lost',
      });
      await pool.release('b', b.fence, b.request().tell, second.slot.token);
      expect(await bench.leftovers()).toEqual([]);
    });

    it('puts a slot that cannot be reset into quarantine and takes its environment down after the others', async () => {
      let dirty = '';
      const pool = bench.pool(
        { slotsPerEnvironment: 2, min: 1, max: 2 },
        unclean(bench.runner, () => dirty),
      );
      const a = await bench.trajectory('a');
      const b = await bench.trajectory('b');
      const first = await pool.acquire(a.request());
      const second = await pool.acquire(b.request());
      expect(second.slot.alloc_id).toBe(first.slot.alloc_id);
      dirty = first.slot.slot_id;
      await pool.release('a', a.fence, a.request().tell, first.slot.token);
      expect(await bench.backends.slots.slot(first.slot.slot_id)).toMatchObject({
        state: 'error',
        trajectory_id: null,
        metadata: { error: 'it is dirty', trajectory_id: 'a' },
      });
      expect(a.events).toContainEqual(expect.objectContaining({ type: 'log', level: 'warn' }));
      const c = await bench.trajectory('c');
      const third = await pool.acquire(c.request());
      expect(third.slot.alloc_id).not.toBe(first.slot.alloc_id);
      await pool.release('b', b.fence, b.request().tell, second.slot.token);
      expect(await bench.backends.slots.environments()).toMatchObject([
        { environment_id: third.slot.alloc_id },
      ]);
      await pool.release('c', c.fence, c.request().tell, third.slot.token);
    });

    it('releases once, however often it is told to', async () => {
      const pool = bench.pool();
      const me = await bench.trajectory('me');
      const held = await pool.acquire(me.request());
      for (let i = 0; i < 3; i++) await pool.release('me', me.fence, me.request().tell, held.slot.token);
      expect(me.events.filter(({ type }) => type === 'slot_released')).toHaveLength(1);
    });

    for (const made of [false, true]) {
      it(`gets back the place of an environment that ${made ? 'exists' : 'does not exist'} but was never ready`, async () => {
        const pool = bench.pool();
        const dead = await bench.trajectory('dead');
        const id = newEnvironmentId();
        const spec = { id, labels: { flatmachine: '1', owner: 'dead' } };
        await bench.backends.slots.addEnvironment(
          {
            environment_id: id,
            pool: pool.name,
            runner: 'local',
            state: 'creating',
            address: '',
            spec,
            owner: 'dead',
            created_at: new Date().toISOString(),
          },
          dead.fence,
        );
        if (made) await bench.runner.create(spec);
        const me = await bench.trajectory('me');
        const refused = bench.pool({ acquireTimeout: 0.2 });
        await expect(refused.acquire(me.request())).rejects.toMatchObject({ code: 'acquire-timeout' });
        await bench.backends.locking.release('dead');
        const held = await pool.acquire(me.request());
        expect(held.slot.alloc_id).not.toBe(id);
        expect((await bench.runner.list({})).map((info) => info.id)).toEqual([held.slot.alloc_id]);
      });
    }

    it('finishes the environment that the same trajectory had begun', async () => {
      const me = await bench.trajectory('me');
      let fail = true;
      const failing: Runner = {
        ...bound(bench.runner),
        create: async (spec) => {
          await bench.runner.create(spec);
          if (fail) throw new FlatMachineError('interrupted', 'cut off');
          return bench.runner.create(spec);
        },
        destroy: async (id) => {
          if (fail) throw new Error('cut off too');
          await bench.runner.destroy(id);
        },
      };
      const pool = bench.pool({}, failing);
      await expect(pool.acquire(me.request())).rejects.toMatchObject({ code: 'interrupted' });
      fail = false;
      const [begun] = await bench.runner.list({});
      // Back to what a kill -9 in the middle of the creation leaves.
      const [record] = await bench.backends.slots.environments();
      await bench.backends.slots.removeEnvironment(begun?.id as string);
      await bench.backends.slots.addEnvironment(
        { ...(record as NonNullable<typeof record>), state: 'creating' },
        me.fence,
      );
      const held = await pool.acquire(me.request());
      expect(held.slot.alloc_id).toBe(begun?.id);
    });
  });
}

describe('pools of several processes over one store', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await workbench('sqlite');
  });
  afterEach(() => bench.close());

  it('share their slots and never exceed `max` together', async () => {
    const benches = [bench, await bench.another(), await bench.another()];
    const pools = benches.map((each) => each.pool({ slotsPerEnvironment: 2, max: 2 }));
    const inUse = new Set<string>();
    let most = 0;
    let environments = 0;
    const work = async (index: number) => {
      const { trajectory, backends } = benches[index % 3] as Workbench;
      const pool = pools[index % 3] as (typeof pools)[number];
      const me = await trajectory(`p${index}`);
      const held = await pool.acquire(me.request());
      expect(inUse.has(held.slot.slot_id)).toBe(false);
      inUse.add(held.slot.slot_id);
      most = Math.max(most, inUse.size);
      environments = Math.max(environments, (await backends.slots.environments()).length);
      await run(held, 'sleep 0.05');
      inUse.delete(held.slot.slot_id);
      await pool.release(me.id, me.fence, me.request().tell, held.slot.token);
    };
    await Promise.all(Array.from({ length: 15 }, (_, index) => work(index)));
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(4);
    expect(environments).toBeLessThanOrEqual(2);
    expect(await bench.leftovers()).toEqual([]);
  });
});

function bound(runner: Runner): Runner {
  return {
    name: runner.name,
    capabilities: runner.capabilities,
    probe: () => runner.probe(),
    create: (spec) => runner.create(spec),
    attach: (id) => runner.attach(id),
    list: (labels) => runner.list(labels),
    destroy: (id) => runner.destroy(id),
    removeSnapshot: (snapshot) => runner.removeSnapshot(snapshot),
  };
}

/** The real runner, save that one slot cannot be proved clean. */
function unclean(runner: Runner, dirty: () => string): Runner {
  const wrap = (environment: Environment): Environment =>
    new Proxy(environment, {
      get(target, property) {
        if (property === 'resetSlot') {
          return async (slotId: string, token: number) => {
            if (slotId === dirty()) throw new FlatMachineError('slot-dirty', 'it is dirty');
            await target.resetSlot(slotId, token);
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return {
    ...bound(runner),
    create: async (spec) => wrap(await runner.create(spec)),
    attach: async (id) => {
      const environment = await runner.attach(id);
      return environment === null ? null : wrap(environment);
    },
  };
}
