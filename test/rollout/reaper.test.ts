import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newEnvironmentId, ownerLabels } from '../../src/rollout/identity.ts';
import type { HeldSlot } from '../../src/rollout/pool.ts';
import { releaseExecution } from '../../src/rollout/release.ts';
import { processesOf } from '../helpers/leftovers.ts';
import { recordOf, run, type Workbench, workbench } from './workbench.ts';

const HOUR = 3_600_000;

describe('the reaper', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await workbench('sqlite');
  });
  afterEach(() => bench.close());

  /** An execution that holds a slot with a daemon in it and is then run by nobody any more. */
  async function orphan(id: string, save = true, updated = Date.now()): Promise<HeldSlot> {
    const me = await bench.trajectory(id);
    if (save) await bench.backends.persistence.save(...recordOf(id, 'running', updated), { fence: me.fence });
    const held = await bench.pool({ max: 9 }).acquire(me.request());
    await run(held, '( ( while :; do sleep 1; done ) >/dev/null 2>&1 & )');
    return held;
  }

  it('leaves a living execution alone, whatever the grace', async () => {
    await orphan('alive');
    expect((await bench.reap({ grace: 0 })).items).toEqual([]);
  });

  it('keeps what an execution that waits wants back, however long it waits', async () => {
    const me = await bench.trajectory('waiting');
    const long = Date.now() - 100 * HOUR;
    await bench.backends.persistence.save(...recordOf('waiting', 'waiting', long), { fence: me.fence });
    const held = await bench.pool({ max: 9 }).acquire(me.request());
    await bench.backends.locking.release('waiting');
    expect((await bench.reap({ grace: 0 })).items).toEqual([]);
    expect(await bench.backends.slots.slots()).toMatchObject([{ slot_id: held.slot.slot_id }]);
  });

  it('keeps what a resume would want until the grace is over', async () => {
    const held = await orphan('crashed');
    await bench.backends.locking.release('crashed');
    expect((await bench.reap()).items).toEqual([]);
    const report = await bench.reap({ grace: 0 });
    expect(report.items).toMatchObject([
      { kind: 'slot', id: held.slot.slot_id, owner: 'crashed', reason: 'its execution was abandoned' },
      { kind: 'environment', id: held.slot.alloc_id, runner: 'local' },
    ]);
    expect(report.items.every(({ error }) => error === undefined)).toBe(true);
    expect(await bench.leftovers()).toEqual([]);
    expect(processesOf(bench.dir)).toEqual([]);
  });

  it('removes what was abandoned, and what nobody ever recorded an execution for', async () => {
    await orphan('old', true, Date.now() - 2 * HOUR);
    await orphan('unknown', false);
    await orphan('young');
    for (const id of ['old', 'unknown', 'young']) await bench.backends.locking.release(id);
    const { items } = await bench.reap();
    expect(new Set(items.map(({ owner }) => owner))).toEqual(new Set(['old', 'unknown']));
    expect(await bench.backends.slots.slots()).toMatchObject([{ trajectory_id: 'young' }]);
  });

  it('only says so when asked for a dry run', async () => {
    await orphan('unknown', false);
    await bench.backends.locking.release('unknown');
    const before = await bench.leftovers();
    const dry = await bench.reap({ dryRun: true });
    expect(await bench.leftovers()).toEqual(before);
    expect(await bench.reap()).toEqual(dry);
    expect(await bench.leftovers()).toEqual([]);
  });

  it('finds what a runner has and nobody recorded, save what another store or process knows of', async () => {
    const stateDir = `${bench.dir}/state`;
    const make = async (store: { durability: 'none' | 'power-loss'; url: string }) => {
      const id = newEnvironmentId();
      await bench.runner.create({ id, labels: ownerLabels('gone', 'p', stateDir, store, Date.now()) });
      return id;
    };
    const stray = await make({ durability: 'power-loss', url: bench.backends.url });
    await make({ durability: 'power-loss', url: 'sqlite:/another.db' });
    await make({ durability: 'none', url: 'memory' });
    const { items } = await bench.reap({ grace: 0 });
    expect(items).toMatchObject([
      { kind: 'environment', id: stray, owner: 'gone', reason: 'nobody recorded it' },
    ]);
    expect(await bench.runner.list({})).toHaveLength(2);
  });

  it('takes down what is idle and what is in quarantine', async () => {
    const me = await bench.trajectory('me');
    const pool = bench.pool({ min: 1 });
    const held = await pool.acquire(me.request());
    await pool.release('me', me.fence, me.request().tell, held.slot.token);
    await bench.backends.locking.release('me');
    expect((await bench.reap()).items).toEqual([]);
    await bench.backends.slots.changeSlot(
      held.slot.slot_id,
      (await bench.backends.slots.slot(held.slot.slot_id))?.token as number,
      ['available'],
      { state: 'error' },
    );
    expect((await bench.reap()).items).toMatchObject([{ reason: 'a slot of it is in quarantine' }]);
    expect(await bench.leftovers()).toEqual([]);
  });

  it('says which runner it could not ask', async () => {
    const absent = {
      ...bench.runner,
      name: 'absent',
      probe: async () => ({ available: false, detail: 'not there' }),
    };
    const report = await bench.reap({ runners: ['absent'], openRunner: () => absent });
    expect(report).toEqual({ items: [], unreachable: [{ runner: 'absent', detail: 'not there' }] });
  });

  it('gives back all that one execution owns, twice as well as once', async () => {
    await orphan('done');
    await orphan('other');
    for (let i = 0; i < 2; i++) await releaseExecution(bench.backends, () => bench.runner, 'done');
    expect(await bench.backends.slots.slots()).toMatchObject([{ trajectory_id: 'other' }]);
    expect(await bench.runner.list({})).toHaveLength(1);
  });
});
