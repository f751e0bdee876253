import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, keptSteps, refused, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import type { FlatMachineError } from '../../src/errors.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { freePort, type TestServer } from '../helpers/servers/process.ts';
import { redisAvailability, startRedis } from '../helpers/servers/redis.ts';

let server: TestServer;
let admin: Redis;
let prefixes = 0;
/** Begun before everything else, since they take their time: a server that is not there, and one that never answers. */
let givenUp: Promise<[Failure, Failure]>;
let silent: Server;
const silentSockets: Socket[] = [];
const sets: BackendSet[] = [];

/** Opens an empty store on the test's server, or the one that is named. */
async function open(
  options: BackendOptions = {},
  url = `${server.url}?prefix=p${prefixes++}`,
): Promise<BackendSet> {
  const set = await openBackends(url, options);
  sets.push(set);
  return set;
}

type Failure = FlatMachineError & { said: string; took: number };

/** What opening fails with, what it says in all, and how long that takes. */
async function failure(work: Promise<unknown>): Promise<Failure> {
  const begun = performance.now();
  const error = await work.then(
    () => expect.fail('it should have failed'),
    (thrown: FlatMachineError) => thrown,
  );
  const took = performance.now() - begun;
  return Object.assign(error, {
    took,
    said: `${error.message} ${error.remedy} ${JSON.stringify(error.details)}`,
  });
}

async function withConfig(settings: Record<string, string>, work: () => Promise<void>): Promise<void> {
  const before = await Promise.all(
    Object.keys(settings).map(
      async (name) => [name, ((await admin.config('GET', name)) as string[])[1]] as const,
    ),
  );
  for (const [name, value] of Object.entries(settings))
    await admin.call('CONFIG', 'SET', name, value as string);
  try {
    await work();
  } finally {
    for (const [name, value] of before) await admin.call('CONFIG', 'SET', name, value as string);
  }
}

/** Kills every connection but the test's own, again and again while `work` goes on. */
async function underKills(type: 'normal' | 'pubsub', work: Promise<unknown>): Promise<number> {
  let over = false;
  let killed = 0;
  const done = work.finally(() => {
    over = true;
  });
  while (!over) {
    killed += Number(await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'));
    await sleep(15);
  }
  await done;
  return killed;
}

describeWith('redis', 'redis, its connection', redisAvailability(), () => {
  beforeAll(async () => {
    server = await startRedis('always');
    admin = new Redis(server.port, '127.0.0.1');
    silent = createServer((socket) => silentSockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const ports = [await freePort(), (silent.address() as { port: number }).port];
    const [gone, mute] = ports.map((port) => failure(openBackends(`redis://me:s3cr3t@127.0.0.1:${port}/0`)));
    givenUp = Promise.all([gone as Promise<Failure>, mute as Promise<Failure>]);
  });
  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
  });
  afterAll(async () => {
    for (const socket of silentSockets) socket.destroy();
    silent.close();
    admin.disconnect();
    await server.dispose();
  });

  it('says how durable the server really is, and warns of less than power-loss', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    expect((await open({ onWarning })).durability).toBe('power-loss');
    expect(warnings).toEqual([]);

    await withConfig({ appendfsync: 'everysec' }, async () => {
      expect((await open({ onWarning })).durability).toBe('process-crash');
      expect(warnings.splice(0)).toEqual([
        expect.stringMatching(/up to a second .* lost.*appendfsync always/s),
      ]);
      expect((await open({ onWarning, durability: 'process-crash' })).durability).toBe('process-crash');
      expect(warnings).toEqual([]);
    });
    await withConfig({ 'no-appendfsync-on-rewrite': 'yes' }, async () => {
      expect((await open({ onWarning: () => {} })).durability).toBe('process-crash');
    });
    await withConfig({ appendonly: 'no' }, async () => {
      expect((await open({ onWarning })).durability).toBe('none');
      expect(warnings.splice(0)).toEqual([expect.stringMatching(/appendonly is off.*lost/s)]);
      expect((await open({ onWarning, durability: 'none' })).durability).toBe('none');
      expect(warnings).toEqual([]);
    });
  });

  it('refuses a server that is less durable than was asked for, and says what to set', async () => {
    await withConfig({ appendfsync: 'everysec' }, async () => {
      const error = await failure(open({ durability: 'power-loss' }));
      expect(error.code).toBe('backend');
      expect(error.said).toMatch(/appendfsync always.*\?durability=process-crash/s);
    });
    await withConfig({ appendonly: 'no' }, async () => {
      const error = await failure(open({}, `${server.url}?durability=process-crash`));
      expect(error.said).toMatch(/appendonly yes.*\?durability=none/s);
    });
  });

  it('takes a server that hides its configuration at the user’s word, with a warning', async () => {
    await admin.call('ACL', 'SETUSER', 'managed', 'on', '>pw', '~*', '&*', '+@all', '-config');
    const url = `redis://managed:pw@127.0.0.1:${server.port}/0`;
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    expect((await open({ onWarning }, url)).durability).toBe('none');
    expect((await open({ onWarning, durability: 'power-loss' }, url)).durability).toBe('power-loss');
    expect(warnings).toEqual([
      expect.stringMatching(/could not be checked.*none/),
      expect.stringMatching(/could not be checked.*power-loss/),
    ]);
  });

  it('says what is wrong with a password, and does not show it', async () => {
    const error = await failure(open({}, `redis://somebody:s3cr3t@127.0.0.1:${server.port}/0`));
    expect(error.code).toBe('backend');
    expect(error.said).toContain('WRONGPASS');
    expect(error.said).not.toContain('s3cr3t');
    await withConfig({ requirepass: 'other' }, async () => {
      expect((await failure(open())).said).toMatch(/NOAUTH.*password/s);
    });
  });

  it('refuses what is no address or prefix', async () => {
    for (const url of [
      'redis:host',
      'redis://h:99999/0',
      'redis://h/zero',
      'redis://h/0?prefix=a%7Bb',
      'redis://h/0?prefix=',
    ]) {
      await refused('usage', openBackends(url));
    }
    expect((await failure(openBackends('redis://u:s3cr3t@h:x/0'))).said).not.toContain('s3cr3t');
    await refused('usage', openBackends('redis://h/0?keyPrefix=x'));
  });

  it('says so when something else uses its keys', async () => {
    const set = await open({}, `${server.url}?prefix=taken`);
    await admin.set('{taken}:exec:job', 'a text');
    const error = await failure(set.persistence.save(stepKey('job', 0), snapshotOf('job', 0)));
    expect(error.code).toBe('backend');
    expect(error.said).toMatch(/WRONGTYPE.*\?prefix=/s);
  });

  it('stores with different prefixes on one server know nothing of each other', async () => {
    const [a, b] = [await open(), await open()];
    await saveSteps(a, 'job', 0, 0);
    await acquired(a, 'job');
    await a.signals.send('c', 1);
    expect(await b.persistence.executions()).toEqual([]);
    expect(await b.locking.holder('job')).toBeNull();
    expect(await b.signals.queued()).toEqual([]);
  });

  it('connections killed in the middle of many writes: nothing is lost, doubled or refused', async () => {
    const set = await open();
    const jobs = Array.from({ length: 20 }, (_, n) => `job-${n}`);
    const work = Promise.all(
      jobs.map(async (id) => {
        const fence = await acquired(set, id);
        for (let n = 0; n < 25; n++) {
          await set.persistence.save(stepKey(id, n), snapshotOf(id, n), { fence });
          await set.journal.append(id, n, 'k', n, fence);
          await set.journal.append(id, 1000, `k${n}`, n, fence);
          await set.signals.send(id, n);
        }
      }),
    );
    expect(await underKills('normal', work)).toBeGreaterThan(10);
    const numbers = Array.from({ length: 25 }, (_, n) => n);
    for (const id of jobs) {
      expect(await keptSteps(set, id)).toEqual(numbers);
      expect([...(await set.journal.entries(id, 1000)).values()]).toEqual(numbers);
      expect((await set.signals.queued(id)).map(({ data }) => data)).toEqual(numbers);
      expect(set.locking.lease(id)?.signal.aborted).toBe(false);
    }
  });

  it('who watches is told again after the connection was lost', async () => {
    const [watcher, other] = [await open(), await open({}, `${server.url}?prefix=p${prefixes - 1}`)];
    let calls = 0;
    watcher.signals.watch(() => calls++);
    while (calls === 0) await sleep(5);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await other.signals.send('c', 'while nobody listened');
    const before = calls;
    const deadline = performance.now() + 5000;
    while (calls === before && performance.now() < deadline) await sleep(5);
    expect(calls).toBeGreaterThan(before);
    const settled = calls;
    await other.signals.send('c', 'and again');
    while (calls === settled && performance.now() < deadline) await sleep(5);
    expect(calls).toBeGreaterThan(settled);
  });

  it('a damaged newest record is skipped and told of, and can be written anew', async () => {
    const warnings: string[] = [];
    const prefix = `p${prefixes++}`;
    const set = await open(
      { onWarning: (message) => warnings.push(message) },
      `${server.url}?prefix=${prefix}`,
    );
    await saveSteps(set, 'job', 0, 2);
    const record = (await admin.hget(`{${prefix}}:steps:job`, '2')) as string;
    await admin.hset(`{${prefix}}:steps:job`, '2', record.replace('"work"', '"wxrk"'));
    expect((await set.persistence.latest('job'))?.step).toBe(1);
    expect(warnings.splice(0)).toEqual([expect.stringContaining('step_000002 is damaged')]);
    await refused('backend', set.persistence.load(stepKey('job', 2)));
    await saveSteps(set, 'job', 2, 2);
    expect(warnings).toEqual([expect.stringContaining('written anew')]);
    expect((await set.persistence.latest('job'))?.step).toBe(2);
    await admin.hset(`{${prefix}}:steps:job`, ['0', '', '1', 'x', '2', 'a b c\nd'] as never);
    await refused('backend', set.persistence.latest('job'));
  });

  it('nothing stays of an execution that is deleted but the counter of tokens', async () => {
    const prefix = `p${prefixes++}`;
    const set = await open({}, `${server.url}?prefix=${prefix}`);
    const fence = await acquired(set, 'job');
    await saveSteps(set, 'child', 0, 0);
    await set.persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence });
    await set.journal.append('job', 1, 'k', 1, fence);
    await set.results.write('flatagents://job/result', 1);
    const wait = { executionId: 'job', work: 1, deadline: 1, fence };
    await set.signals.wait({ ...wait, for: { channel: 'c' } });
    await set.signals.wait({ ...wait, work: 2, for: { children: ['child', 'unborn'] } });
    await set.locking.release('job');
    for (const id of ['job', 'child']) await set.persistence.deleteExecution(id);
    const left = (await admin.keys(`{${prefix}}*`)).map((key) => key.slice(prefix.length + 3));
    expect(left.sort()).toEqual(['tokens', 'waits']);
  });

  it('gives up on a server that is not there, or does not answer, in about 10 s', async () => {
    const [gone, mute] = await givenUp;
    for (const error of [gone, mute]) {
      expect(error.code).toBe('backend');
      expect(error.said).toMatch(/127.0.0.1:\d+\/0 could not be reached within 10 s/);
      expect(error.said).not.toContain('s3cr3t');
      expect(error.took).toBeLessThan(20_000);
    }
    expect(gone.said).toContain('ECONNREFUSED');
  });
});
