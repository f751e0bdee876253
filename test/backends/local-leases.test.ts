import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { createLocalLeases } from '../../src/backends/local/lease-files.ts';
import { seal, unseal } from '../../src/backends/local/sealed.ts';
import { openLocalStore } from '../../src/backends/local/store.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, refused, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';

let root = '';
let warnings: string[] = [];
const sets: BackendSet[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flatmachine-leases-'));
  warnings = [];
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(root, { recursive: true });
});

async function open(options: BackendOptions = {}): Promise<BackendSet> {
  const onWarning = (message: string) => warnings.push(message);
  const set = await openBackends(`local:${root}`, { durability: 'process-crash', onWarning, ...options });
  sets.push(set);
  return set;
}

const files = (key: string) => readdirSync(join(root, '.leases', key)).sort();

/** Changes what the file of a lease says, as no API would. */
function tamper(key: string, change: Record<string, unknown>, holder: Record<string, unknown> = {}): void {
  const path = join(root, '.leases', key, files(key).at(-1) as string);
  const lease = JSON.parse(unseal(readFileSync(path, 'utf8').trimEnd()) as string) as { holder: object };
  const changed = { ...lease, ...change, holder: { ...lease.holder, ...holder } };
  writeFileSync(path, seal(JSON.stringify(changed)));
}

it('a key has one file, whatever became of it', async () => {
  const set = await open();
  await saveSteps(set, 'job', 0, 0);
  for (let n = 1; n < 4; n++) {
    await acquired(set, 'job');
    expect(files('job')).toEqual([`${n}.held`]);
    await set.locking.release('job');
    expect(files('job')).toEqual([`${n}.free`]);
  }
});

it('of deleted executions one number stays, and tokens go on after it', async () => {
  const set = await open();
  for (const id of ['a', 'b', 'c']) {
    await saveSteps(set, id, 0, 0);
    for (let n = 0; n < (id === 'b' ? 7 : 2); n++) {
      await acquired(set, id);
      await set.locking.release(id);
    }
  }
  await acquired(set, 'c');
  for (const id of ['a', 'b', 'c']) await set.persistence.deleteExecution(id);
  expect(readdirSync(join(root, '.leases'))).toEqual(['c']);
  expect(readdirSync(join(root, '.tokens'))).toEqual(['7']);
  await saveSteps(set, 'c', 0, 0);
  await set.persistence.deleteExecution('c');
  await set.locking.release('c');
  expect(readdirSync(join(root, '.leases'))).toEqual([]);
  expect(readdirSync(root).sort()).toEqual(['.leases', '.tmp', '.tokens', '.trash']);
  for (const id of ['a', 'new']) expect((await acquired(set, id)).token).toBeGreaterThan(7);
});

it('one whose holder’s process id is another process by now is free', async () => {
  const [set, other] = [await open(), await open()];
  await acquired(set, 'job');
  expect(await other.locking.acquire('job')).toBe(false);
  tamper('job', {}, { started: '1' });
  expect(await other.locking.acquire('job')).toBe(true);
});

it('one of this host before it started again is free, one of another host runs its time', async () => {
  const [set, other] = [await open(), await open()];
  for (const key of ['a', 'b', 'c']) await acquired(set, key);
  tamper('a', {}, { boot: 'another' });
  tamper('b', {}, { boot: 'another', host: 'elsewhere' });
  tamper('c', {}, { pid_namespace: 'pid:[1]', pid: 1 });
  expect(await other.locking.acquire('a')).toBe(true);
  for (const key of ['b', 'c']) expect(await other.locking.acquire(key)).toBe(false);
  expect((await other.locking.holder('b'))?.expires_in).toBeGreaterThan(50_000);
  // The monotonic clock of another host means nothing here, the wall clock of this one nothing while there is a better one.
  tamper('b', { expires: 0 });
  tamper('c', { expires_wall: 0 });
  for (const key of ['b', 'c']) expect(await other.locking.acquire(key)).toBe(false);
  tamper('b', { expires_wall: 0 });
  tamper('c', { expires: 0 });
  for (const key of ['b', 'c']) expect(await other.locking.acquire(key)).toBe(true);
});

it('one that is damaged is nobody’s, and its token is not given again', async () => {
  const [set, other] = [await open(), await open()];
  const { token } = await acquired(set, 'job');
  writeFileSync(join(root, '.leases', 'job', `${token}.held`), '');
  expect((await acquired(other, 'job')).token).toBe(token + 1);
  expect(warnings.join()).toMatch(/1\.held is damaged/);
});

it('one that was taken over is lost at the next heartbeat, and its holder writes nothing', async () => {
  const [set, other] = [await open({ heartbeatInterval: 0.05 }), await open()];
  const fence = await acquired(set, 'job');
  const signal = set.locking.lease('job')?.signal as AbortSignal;
  tamper('job', {}, { started: '1' });
  const mine = await acquired(other, 'job');
  await refused('lease-lost', set.persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence }));
  await refused('lease-lost', set.journal.append('job', 1, 'k', 1, fence));
  await expect.poll(() => signal.aborted, { timeout: 2000 }).toBe(true);
  expect(signal.reason).toMatchObject({ code: 'lease-lost' });
  await set.locking.release('job');
  expect(files('job')).toEqual([`${mine.token}.held`]);
});

it('a heartbeat that comes too late brings nothing back', async () => {
  const [set, other] = [await open(), await open()];
  const old = await acquired(set, 'job');
  tamper('job', {}, { started: '1' });
  const held = (token: number) => join(root, '.leases', 'job', `${token}.held`);
  const text = readFileSync(held(old.token));
  const current = await acquired(other, 'job');
  writeFileSync(held(old.token), text);
  await refused('lease-lost', set.journal.append('job', 1, 'k', 1, old));
  await other.journal.append('job', 1, 'k', 1, current);
  await saveSteps(other, 'job', 0, 0);
  await other.locking.release('job');
  writeFileSync(held(current.token), text);
  await refused('lease-lost', other.journal.append('job', 1, 'l', 1, current));
  expect(await other.locking.holder('job')).toBe(null);
  expect((await acquired(other, 'job')).token).toBe(current.token + 1);
});

it('a token that others had, gave back and cleaned away while one was about to take it is not given again', async () => {
  const store = await openLocalStore(root, 'process-crash');
  const leases = createLocalLeases(store, () => {});
  const meanwhile: (() => Promise<unknown>)[] = [];
  /** A process that is stopped right before it makes its link. */
  const stopped = createLocalLeases(
    {
      ...store,
      async create(...args) {
        await meanwhile.shift()?.();
        return store.create(...args);
      },
    },
    () => {},
  );
  const takeAndGive = async () => {
    const token = (await leases.take('job', 1000)) as number;
    await leases.give([{ key: 'job', token }]);
    return token;
  };
  await saveSteps(await open(), 'job', 0, 0);
  meanwhile.push(async () => [await takeAndGive(), await takeAndGive(), await takeAndGive()]);
  expect(await stopped.take('job', 1000)).toBe(4);
  await leases.give([{ key: 'job', token: 4 }]);
  rmSync(join(root, 'job'), { recursive: true });
  meanwhile.push(async () => {
    expect([await takeAndGive(), await takeAndGive()]).toEqual([5, 6]);
    // Of the key nothing is left, and somebody else is about to take it, too.
    mkdirSync(join(root, '.leases', 'job'));
  });
  expect(await stopped.take('job', 1000)).toBe(7);
  meanwhile.push(() => leases.take('other', 1000));
  expect(await stopped.take('other', 1000)).toBe(null);
});

it('a live holder keeps its lease for as long as it beats', async () => {
  const [set, other] = [await open({ heartbeatInterval: 0.25 }), await open()];
  await acquired(set, 'job');
  const { acquired_at } = (await set.locking.holder('job')) ?? {};
  for (const end = Date.now() + 1000; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    expect(await other.locking.acquire('job')).toBe(false);
  }
  expect((await other.locking.holder('job'))?.acquired_at).toBe(acquired_at);
  expect(readdirSync(join(root, '.tmp'))).toEqual([]);
});

it('of many that take and give, two never hold a key or a token', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => open({ durability: 'power-loss' })));
  const tokens: number[] = [];
  let holders = 0;
  await Promise.all(
    all.map(async (set) => {
      for (let round = 0; round < 15; ) {
        await turn();
        if (!(await set.locking.acquire('job'))) continue;
        round++;
        expect(++holders).toBe(1);
        tokens.push(set.locking.lease('job')?.token as number);
        if (round % 5 === 0) await set.persistence.deleteExecution('job');
        holders--;
        await set.locking.release('job');
      }
    }),
  );
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  expect(new Set(tokens).size).toBe(90);
  expect(existsSync(join(root, '.leases', 'job'))).toBe(false);
});
