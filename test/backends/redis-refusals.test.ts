import { createServer, connect as dial, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { createClient } from '../../src/backends/redis/client.ts';
import { keptSteps, refused, saveSteps } from '../../src/conformance/backends/place.ts';
import type { FlatMachineError } from '../../src/errors.ts';
import { describeWith } from '../helpers/components.ts';
import type { TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';

let server: TestServer;
let admin: Redis;
let prefixes = 0;
const sets: BackendSet[] = [];

async function open(
  options: BackendOptions = {},
  url = `${server.url}?prefix=p${prefixes++}`,
): Promise<BackendSet> {
  const set = await openBackends(url, options);
  sets.push(set);
  return set;
}

function failure(work: Promise<unknown>): Promise<FlatMachineError> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error: FlatMachineError) => error,
  );
}

/** A way to the server that breaks every connection over which a word is sent, before the server hears of it. */
async function breakingAt(word: string): Promise<{ server: Server; port: number; broken: () => number }> {
  let broken = 0;
  const proxy = createServer((client) => {
    const upstream = dial(server.port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [client, upstream].map((one) => one.destroy()));
    }
    upstream.pipe(client);
    client.on('data', (data) => {
      if (!data.includes(word)) return upstream.write(data);
      broken++;
      return client.destroy();
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { server: proxy, port: (proxy.address() as { port: number }).port, broken: () => broken };
}

describeWith('redis', 'redis, what a server refuses', redisAvailability(), () => {
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.port, '127.0.0.1');
  });
  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
  });
  afterAll(async () => {
    admin.disconnect();
    await server.dispose();
  });

  it('a database that it does not have: nothing is written to another one', async () => {
    const error = await failure(open({}, `redis://127.0.0.1:${server.port}/9999`));
    expect(error.code).toBe('backend');
    expect(error.message).toContain('DB index is out of range');
    const set = await open({}, `redis://127.0.0.1:${server.port}/7?prefix=seven`);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await saveSteps(set, 'job', 0, 0);
    expect(await admin.keys('{seven}*')).toEqual([]);
  });

  it('a user who may not tell others is refused at once, before anything is half done', async () => {
    await admin.call('ACL', 'SETUSER', 'quiet', 'on', '>pw', '~*', 'resetchannels', '+@all');
    const error = await failure(open({}, `redis://quiet:pw@127.0.0.1:${server.port}/0?prefix=quiet`));
    expect(error.code).toBe('backend');
    expect(error.remedy).toContain('channels');
    expect(await admin.keys('{quiet}*')).toEqual([]);
  });

  it('no error carries the password, nor what was to be written', async () => {
    const wrong = await failure(open({}, `redis://somebody:s3cr3t@127.0.0.1:${server.port}/0`));
    expect(inspect(wrong, { depth: 9 })).not.toContain('s3cr3t');
    const set = await open({}, `${server.url}?prefix=taken`);
    await admin.set('{taken}:results:job', 'a text');
    const refusal = await failure(set.results.write('flatagents://job/result', 'a private text'));
    expect(refusal.message).toContain('WRONGTYPE');
    expect(inspect(refusal, { depth: 9 })).not.toContain('a private text');
    for (const url of ['redis://u:s3cr%zz@h/0', 'redis://u:s3/cr3t@h/0', 'redis://u:s3@c#r@h:x/0']) {
      const malformed = await failure(openBackends(url));
      expect(malformed.code).toBe('usage');
      expect(malformed.message).not.toContain('s3');
    }
  });

  it('a server that drops what it has no room for is warned of', async () => {
    const warnings: string[] = [];
    const options = { onWarning: (message: string) => warnings.push(message) };
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await open({ ...options, durability: 'process-crash' });
    expect(warnings).toEqual([]);
    await admin.config('SET', 'maxmemory', '1gb');
    await open({ ...options, durability: 'process-crash' });
    await admin.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    expect(warnings).toEqual([expect.stringMatching(/drops data.*allkeys-lru.*noeviction/s)]);
  });

  it('a busy server, and one that becomes a replica for a while, are asked again', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 0);
    await admin.config('SET', 'busy-reply-threshold', '10');
    const busy = admin.eval('local n = 0 while n < 3e7 do n = n + 1 end', 0);
    await sleep(100);
    await Promise.all([saveSteps(set, 'job', 1, 1), busy]);
    await admin.replicaof('127.0.0.1', '1');
    const whileReplica = saveSteps(set, 'job', 2, 2);
    await sleep(300);
    await admin.replicaof('NO', 'ONE');
    await whileReplica;
    expect(await keptSteps(set, 'job')).toEqual([0, 1, 2]);
  });

  it('a server that has lost its scripts is given them again', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 0);
    await admin.script('FLUSH');
    await Promise.all([saveSteps(set, 'job', 1, 3), saveSteps(set, 'other', 0, 3)]);
    expect(await keptSteps(set, 'job')).toEqual([0, 1, 2, 3]);
  });

  it('what breaks every connection is given up, and those beside it go on', async () => {
    const { server: proxy, port, broken } = await breakingAt('poison');
    const address = { host: '127.0.0.1', port, db: 0 };
    const client = createClient(Redis, address, 'redis://proxy', { first: 1, later: 1 });
    try {
      expect(await client.command('SET', ['k', 'good'])).toBe('OK');
      const error = await failure(client.command('SET', ['k', 'poison']));
      expect(error.code).toBe('backend');
      expect(error.message).toContain('could not be reached within 1 s');
      expect(broken()).toBeGreaterThan(2);
      expect(await client.command('GET', ['k'])).toBe('good');
    } finally {
      client.close();
      proxy.close();
    }
  });
});

describeWith('redis', 'redis, other servers', redisAvailability(), () => {
  it('one that has gone is not asked for by those who want nothing of it', async () => {
    const gone = await startRedis();
    const client = createClient(Redis, { host: '127.0.0.1', port: gone.port, db: 0 }, 'redis://gone');
    await client.command('PING', []);
    await gone.stop('SIGKILL');
    let dialled = 0;
    const listener = createServer((socket) => {
      dialled++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => listener.listen(gone.port, '127.0.0.1', resolve));
    await sleep(400);
    expect(dialled).toBe(0);
    const asked = client.command('GET', ['k']);
    await sleep(100);
    expect(dialled).toBeGreaterThan(0);
    listener.close();
    await gone.start();
    expect(await asked).toBeNull();
    client.close();
    await gone.dispose();
  });

  it('a replica is refused with what to do', async () => {
    const replica = await startRedis();
    const client = createClient(Redis, { host: '127.0.0.1', port: replica.port, db: 0 }, 'redis://replica', {
      first: 0.5,
      later: 30,
    });
    const direct = new Redis(replica.port, '127.0.0.1');
    await direct.replicaof('127.0.0.1', '1');
    await refused('backend', client.command('SET', ['k', 'v']));
    expect((await failure(client.command('SET', ['k', 'v']))).remedy).toContain('primary');
    client.close();
    direct.disconnect();
    await replica.dispose();
  });
});
