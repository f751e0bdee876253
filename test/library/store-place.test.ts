import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mixedParts } from '../../src/backends/mixed-url.ts';
import { machineStoreUrl } from '../../src/library/machine-store.ts';
import { absoluteUrl, openStoreOf, storeMayExist } from '../../src/library/store-place.ts';
import { compileMachine, loadMachineObject } from '../../src/machine/index.ts';
import type { JsonObject } from '../../src/types.ts';

let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'flatmachine-place-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

async function machineWith(data: JsonObject) {
  const states = { a: { type: 'initial', transitions: [{ to: 'b' }] }, b: { type: 'final' } };
  const source = { spec: 'flatmachine', spec_version: '1.0.0', data: { name: 'm', states, ...data } };
  return compileMachine(await loadMachineObject(source, { dir }), { knownHooks: new Map() } as never);
}

/** Where each role of a machine with these backends is kept. */
async function placesOf(backends: JsonObject, env: NodeJS.ProcessEnv = {}): Promise<JsonObject | string> {
  const url = machineStoreUrl(await machineWith({ settings: { backends } }), env);
  return url.startsWith('mixed:') ? mixedParts(url) : url;
}

describe('where a machine says it is kept', () => {
  it('in SQLite, unless it says otherwise', async () => {
    expect(await placesOf({})).toBe('sqlite:');
    expect(await placesOf({ durability: 'process-crash' })).toBe('sqlite:');
    expect(await placesOf({ sqlite_path: 'x.db' })).toBe(`sqlite:${join(dir, 'x.db')}`);
    expect(await placesOf({ persistence: 'memory', sqlite_path: 'x.db' })).toBe('memory');
    expect(machineStoreUrl(await machineWith({ persistence: { enabled: false } }), {})).toBe('memory');
    const named = await machineWith({ persistence: { backend: 'sqlite', db_path: 'y.db' } });
    expect(machineStoreUrl(named, {})).toBe(`sqlite:${join(dir, 'y.db')}`);
  });

  it('in one store for roles that ask for no more than the steps have', async () => {
    expect(
      await placesOf({ persistence: 'sqlite', locking: 'local', results: 'memory', work: 'memory' }),
    ).toBe('sqlite:');
    expect(await placesOf({ locking: 'none', signals: 'memory' })).toBe('sqlite:');
    const redis = 'redis://h:1/2';
    expect(await placesOf({ persistence: redis, locking: 'redis', work: 'sqlite', results: redis })).toBe(
      redis,
    );
    expect(await placesOf({ persistence: 'rediss://h', locking: 'redis' })).toBe('rediss://h');
  });

  it('in several for roles that ask for more, or for a place of their own', async () => {
    expect(await placesOf({ locking: 'redis', results: 'sqlite' })).toEqual({
      persistence: 'sqlite:',
      locking: 'redis://127.0.0.1:6379',
    });
    expect(await placesOf({ persistence: 'postgres', locking: 'redis' })).toEqual({
      persistence: 'postgres:',
      locking: 'redis://127.0.0.1:6379',
    });
    expect(await placesOf({ results: 'memory:' })).toEqual({ persistence: 'sqlite:', results: 'memory:' });
    expect(await placesOf({ persistence: 's3://b', locking: 'none' })).toEqual({
      persistence: 's3://b',
      locking: 'memory:',
    });
    expect(await placesOf({ persistence: 's3://b', locking: 'sqlite', work: 'sqlite' })).toEqual({
      persistence: 's3://b',
      locking: 'sqlite:',
      work: 'sqlite:',
    });
  });

  it('in files as the reference does, with its SQLite file for workers and work', async () => {
    expect(await placesOf({ persistence: 'local', locking: 'local', results: 'local' })).toBe('local');
    expect(await placesOf({ persistence: 'local', sqlite_path: 'x.db' })).toEqual({
      persistence: 'local',
      registration: `sqlite:${join(dir, 'x.db')}`,
      work: `sqlite:${join(dir, 'x.db')}`,
    });
  });

  it('takes the place of a bare name from the environment', async () => {
    const all = { persistence: 's3://b', locking: 'consul', results: 'redis', registration: 'postgres' };
    const env = {
      CONSUL_HTTP_ADDR: 'https://c:8501',
      REDIS_URL: 'redis://r/1',
      DATABASE_URL: 'postgresql://p/db',
    };
    expect(await placesOf(all, env)).toEqual({
      persistence: 's3://b',
      locking: 'consul://c:8501?tls=true',
      results: 'redis://r/1',
      registration: 'postgresql://p/db',
    });
    expect(await placesOf({ persistence: 'postgres' }, { DATABASE_URL: 'mysql://p' })).toBe('postgres:');
  });

  it('refuses what cannot be', async () => {
    await expect(placesOf({ persistence: 's3' })).rejects.toThrow('which bucket');
    await expect(placesOf({ persistence: 's3://b', signals: 'sqlite' })).rejects.toMatchObject({
      code: 'unknown-backend',
    });
    await expect(placesOf({ persistence: 'redis://:secret@h', signals: 'postgres' })).rejects.not.toThrow(
      'secret',
    );
  });
});

describe('openStoreOf', () => {
  it('runs a machine that names local everywhere', async () => {
    const machine = await machineWith({
      settings: { backends: { persistence: 'local', locking: 'local', results: 'memory', work: 'sqlite' } },
    });
    const set = await openStoreOf(machine, undefined, dir, {});
    expect(mixedParts(set.url)).toEqual({
      persistence: `local:${join(dir, '.flatmachine/executions')}`,
      work: `sqlite:${join(dir, '.flatmachine/flatmachine.db')}`,
    });
    expect(await set.locking.acquire('x')).toBe(true);
    await set.close();
  });

  it('lets a URL win over everything, for all roles', async () => {
    const machine = await machineWith({ settings: { backends: { persistence: 'local', work: 'redis' } } });
    const set = await openStoreOf(machine, 'memory', dir, {});
    expect(set.url).toBe('memory:');
    await set.close();
  });
});

describe('URLs', () => {
  it('mean the same in every directory once they are absolute', () => {
    expect(absoluteUrl('sqlite:a.db?durability=process-crash', '/w')).toBe(
      'sqlite:/w/a.db?durability=process-crash',
    );
    expect(absoluteUrl('sqlite', '/w')).toBe('sqlite:/w/.flatmachine/flatmachine.db');
    expect(absoluteUrl('local:', '/w')).toBe('local:/w/.flatmachine/executions');
    expect(absoluteUrl('memory', '/w')).toBe('memory');
    expect(absoluteUrl('s3://b/p?region=x', '/w')).toBe('s3://b/p?region=x');
    expect(absoluteUrl('mixed:?persistence=local:x&locking=redis://h/0', '/w')).toBe(
      'mixed:?persistence=local:/w/x&locking=redis://h/0',
    );
  });

  it('of files tell whether anything can be there', () => {
    writeFileSync(join(dir, 'a.db'), '');
    mkdirSync(join(dir, 'executions'));
    expect(storeMayExist(`sqlite:${dir}/a.db?durability=process-crash`)).toBe(true);
    expect(storeMayExist(`sqlite:${dir}/b.db`)).toBe(false);
    expect(storeMayExist(`local:${dir}/executions`)).toBe(true);
    expect(storeMayExist(`local:${dir}/none`)).toBe(false);
    expect(storeMayExist('redis://h')).toBe(true);
    expect(storeMayExist(`mixed:?persistence=sqlite:${dir}/b.db&locking=redis://h`)).toBe(false);
  });
});
