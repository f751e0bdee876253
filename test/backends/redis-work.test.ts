import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { openStore } from '../../src/backends/redis/connection.ts';
import { createRedisWork } from '../../src/backends/redis/work.ts';
import { parseBackendUrl } from '../../src/backends/url.ts';
import { workStoreCases } from '../../src/conformance/backends/work-store.ts';
import { describeWith } from '../helpers/components.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';
import { killClients } from './redis-storm.ts';
import { startPoolWorker, usePoolWorkers } from './spawn-pool-worker.ts';

usePoolWorkers();

describeWith('redis', 'work asked for again', serverAvailability('redis'), () => {
  for (const [name, run] of Object.entries(workStoreCases)) {
    it(name, async () => {
      const store = await openStore(parseBackendUrl(emptyStoreUrl('redis')).url);
      try {
        await run(createRedisWork(store));
      } finally {
        await store.close();
      }
    });
  }

  it('what was asked for before the close is done', async () => {
    const url = emptyStoreUrl('redis');
    const before = await openBackends(url);
    await before.work.pool('pool').push(1);
    const claimed = before.work.pool('pool').claim('w');
    await before.close();
    expect((await claimed)?.data).toBe(1);
  });

  it('thousands that become due at once can all be claimed at once', async () => {
    const set = await openBackends(emptyStoreUrl('redis'));
    const pool = set.work.pool('pool');
    await pool.pushMany(Array.from({ length: 2500 }, (_, n) => ({ data: n, options: { delay: 1 } })));
    await sleep(20);
    expect(await pool.size()).toBe(2500);
    const claimed = [1, 2, 3].map(() => pool.claimMany('w', 2000));
    expect((await Promise.all(claimed)).flat()).toHaveLength(2500);
    expect(await pool.size()).toBe(0);
    await set.close();
  });
});

describeWith('redis', 'work on a server in trouble', redisAvailability(), () => {
  it('connections killed all the time: everything is pushed, claimed and completed once', async () => {
    const server = await startRedis();
    const set = await openBackends(server.url);
    const pool = set.work.pool('pool');
    const storm = killClients(server.port, 60);
    const pushed: string[] = [];
    const claims: string[] = [];
    const worker = async (name: string) => {
      while (storm.kills() < 15) {
        pushed.push(await pool.push(name));
        const item = await pool.claim(name);
        if (!item) throw new Error('each pushes before it claims');
        claims.push(item.id);
        await pool.complete(item.id, name, item);
      }
    };
    try {
      await Promise.all(Array.from({ length: 8 }, (_, n) => worker(`w-${n}`)));
    } finally {
      await storm.stop();
    }
    expect(claims.sort()).toEqual(pushed.sort());
    const items = await pool.items();
    expect(items.map(({ id }) => id)).toEqual(pushed);
    for (const { status, attempts } of items) expect([status, attempts]).toEqual(['done', 1]);
    await set.close();
    await server.dispose();
  });

  it('the server killed under four processes: each of 1,500 items is done once, nothing that was acknowledged is undone', async () => {
    const server = await startRedis('always');
    const set = await openBackends(server.url);
    const pool = set.work.pool('pool');
    const ids = await pool.pushMany(
      Array.from({ length: 1500 }, (_, n) => ({ data: { n }, options: { max_retries: 20 } })),
    );
    const workers = await Promise.all(
      [0, 1, 2, 3].map((n) =>
        startPoolWorker(server.url, {
          pool: 'pool',
          worker: `w-${n}`,
          concurrency: 4,
          lease: 2000,
          work: 15,
        }),
      ),
    );
    for (const worker of workers) worker.go();
    for (let restart = 0; restart < 3; restart++) {
      await sleep(300);
      await server.stop('SIGKILL');
      await sleep(100);
      await server.start();
    }
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    const items = await pool.items();
    expect(items.map(({ id }) => id)).toEqual(ids);
    expect(items.every(({ status }) => status === 'done')).toBe(true);
    const results = new Map(items.map(({ id, result }) => [id, result]));
    const done = workers.flatMap(({ said }) => said.flatMap((one) => ('done' in one ? [one] : [])));
    expect(done.map((one) => one.done).sort()).toEqual(ids);
    for (const one of done) expect(results.get(one.done)).toBe(one.mark);
    await set.close();
    await server.dispose();
  });
});
