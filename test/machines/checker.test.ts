import { afterEach, beforeEach, expect, it } from 'vitest';
import { processesOf } from '../helpers/leftovers.ts';
import { onEveryStore, PoolPlace, shippedMachine } from './pool-place.ts';

const CHECKER = shippedMachine('checker');

let place: PoolPlace;
afterEach(() => place.dispose());

onEveryStore('machines/checker.yml', (url) => {
  beforeEach(() => {
    place = new PoolPlace(url());
  });

  it('starts as many workers as are missing, even when two of it look at once; they do the jobs and end', async () => {
    const check = () =>
      place.run(CHECKER, { pool_id: 'p', max_workers: 2, worker_config_path: 'worker.yml' });
    expect(await check()).toEqual({ queue_depth: 0, active_workers: 0, spawned: [] });
    const jobs = Array.from({ length: 5 }, (_, n) => ({ data: { id: n, ms: 100 } }));
    await place.look((store) => store.work.pool('p').pushMany(jobs));
    const both = await Promise.all([check(), check()]);
    const spawned = both.flatMap((output) => output.spawned as string[]);
    expect(spawned.length).toBe(2);
    // The store's URL, which may have a password, is not among what everybody can read.
    const commands = processesOf(place.directory);
    expect(commands.filter((command) => command.includes('worker.yml'))).toHaveLength(2);
    expect(commands.filter((command) => command.includes(place.store))).toEqual([]);
    const done = () => place.look(async ({ work }) => (await work.pool('p').counts()).done);
    await expect.poll(done, { timeout: 20_000, interval: 200 }).toBe(5);
    const ended = () =>
      place.look(async ({ registration }) =>
        (await registration.list()).map(({ worker_id, status }) => [worker_id, status]),
      );
    await expect.poll(ended, { timeout: 10_000 }).toEqual(spawned.sort().map((id) => [id, 'terminated']));
    expect(await check()).toMatchObject({ active_workers: 0, spawned: [] });
    expect(place.lines('.flatmachine/workers.log')).toEqual([]);
    // So that the directory can go: nothing of them runs any more.
    const { executions } = await place.look(async ({ persistence }) => ({
      executions: await persistence.executions(),
    }));
    expect(
      executions.filter(({ machine_name }) => machine_name === 'worker').map(({ status }) => status),
    ).toEqual(['completed', 'completed']);
  });

  it('says that there is nothing to start', async () => {
    await place.look((store) => store.work.pool('p').push(1));
    const ended = await place.do(
      'run',
      CHECKER,
      '--quiet',
      '--input',
      '{"pool_id":"p","worker_config_path":"none.yml"}',
    );
    expect(ended.stderr).toMatch(/there is no machine at .*none\.yml/);
    expect(ended.code).toBe(1);
  });
});
