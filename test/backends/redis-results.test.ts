import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { describeWith } from '../helpers/components.ts';
import type { TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';
import { killClients } from './redis-storm.ts';

const RESULT = 'flatagents://job/result';

describeWith('redis', 'results', redisAvailability(), () => {
  let server: TestServer;
  let reader: BackendSet;
  /** Under another name of the same server, so that it has connections of its own. */
  let writer: BackendSet;

  beforeEach(async () => {
    server = await startRedis();
    reader = await openBackends(server.url);
    writer = await openBackends(server.url.replace('127.0.0.1', 'localhost'));
  });

  afterEach(async () => {
    await Promise.all([reader.close(), writer.close()]);
    await server.dispose();
  });

  function blocked(uri = RESULT, timeout = 15_000): Promise<unknown> {
    return reader.results.read(uri, { block: true, timeout });
  }

  it('a reader is told at once, by another connection too', async () => {
    for (let n = 0; n < 20; n++) {
      const uri = `flatagents://job-${n}/result`;
      const reading = blocked(uri);
      await sleep(n % 4);
      const begun = performance.now();
      await writer.results.write(uri, n);
      expect(await reading).toBe(n);
      expect(performance.now() - begun).toBeLessThan(1000);
    }
  });

  it('a reader outlives the server', async () => {
    const reading = blocked();
    await sleep(100);
    await server.stop('SIGKILL');
    await sleep(300);
    await server.start();
    const begun = performance.now();
    await writer.results.write(RESULT, 'there');
    expect(await reading).toBe('there');
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it('readers miss nothing while connections are killed', async () => {
    const storm = killClients(server.port, 60);
    try {
      for (let n = 0; storm.kills() < 15; n++) {
        const uri = `flatagents://job-${n}/result`;
        const reading = blocked(uri, 5000);
        await writer.results.write(uri, n);
        expect(await reading).toBe(n);
      }
    } finally {
      await storm.stop();
    }
  });

  it('a timeout is kept while the server is away', async () => {
    await server.stop('SIGKILL');
    const begun = performance.now();
    await expect(blocked(RESULT, 300)).rejects.toMatchObject({ code: 'timeout' });
    expect(performance.now() - begun).toBeLessThan(1500);
    await server.start();
  });

  it('a blocked reader ends with its store, and one without a timeout is no leak', async () => {
    const reading = expect(reader.results.read(RESULT, { block: true })).rejects.toMatchObject({
      code: 'backend',
    });
    await sleep(50);
    await reader.close();
    await reading;
  });

  it('a path may hold anything', async () => {
    for (const path of ['a/b', 'a b', '*', '{x}', 'ключ', '\ud800', '\u0000']) {
      const reading = blocked(`flatagents://job/${path}`);
      await writer.results.write(`flatagents://job/${path}`, path.length);
      expect(await reading).toBe(path.length);
    }
  });
});
