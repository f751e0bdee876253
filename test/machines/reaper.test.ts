import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { onEveryStore, PoolPlace, shippedMachine } from './pool-place.ts';

const REAPER = shippedMachine('reaper');

let place: PoolPlace;
afterEach(() => place.dispose());

onEveryStore('machines/reaper.yml', (url) => {
  beforeEach(() => {
    place = new PoolPlace(url());
    // Claims that do not run out by themselves while this looks on.
    const worker = join(place.directory, 'worker.yml');
    writeFileSync(worker, readFileSync(worker, 'utf8').replace('lease: 2', 'lease: 30'));
  });

  it('reaps a dead worker and puts its item back; one with a long job is left alone', async () => {
    const start = (id: string) =>
      place.start(
        'run',
        'worker.yml',
        '--id',
        id,
        '--input',
        JSON.stringify({ pool_id: 'p', worker_id: id }),
      );
    await place.look((store) => store.work.pool('p').push({ id: 'a', ms: 60_000 }));
    const dead = await start('dead');
    await dead.saw(/dead\.3\.0 .*one {2}entered/);
    await place.look((store) => store.work.pool('p').push({ id: 'b', ms: 2_000 }));
    const alive = await start('alive');
    await alive.saw(/alive\.3\.0 .*one {2}entered/);
    expect(await place.run(REAPER, {})).toEqual({ stale: 0, reaped: 0, workers: [], jobs_released: 0 });
    dead.child.kill('SIGKILL');
    // Its claim would run out by itself, later: the reaper puts the item back at once.
    await sleep(900);
    expect(await place.run(REAPER, { stale_threshold_seconds: '0.8' })).toEqual({
      stale: 1,
      reaped: 1,
      workers: ['dead'],
      jobs_released: 1,
    });
    await place.look(async (store) => {
      const workers = await store.registration.list();
      expect(workers.map(({ worker_id, status }) => [worker_id, status])).toEqual([
        ['alive', 'active'],
        ['dead', 'lost'],
      ]);
      const [item] = await store.work.pool('p').items();
      expect(item).toMatchObject({ status: 'pending', attempts: 1, claimed_by: null });
      await store.work.pool('p').remove([item!.id]);
    });
    expect(await place.run(REAPER, { stale_threshold_seconds: 0.8 })).toMatchObject({ reaped: 0 });
    expect(JSON.parse((await alive.ended).stdout)).toMatchObject({ completed: 1, lost: 0 });
  });
});
