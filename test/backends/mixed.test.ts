import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mixedParts, mixedUrl } from '../../src/backends/mixed-url.ts';
import { openBackends } from '../../src/backends/open.ts';
import { withoutSecrets } from '../../src/backends/url.ts';
import { snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';

let dir = '';

useWorkers();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'flatmachine-mixed-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

const sqlite = (name: string) => `sqlite:${join(dir, `${name}.db`)}?durability=process-crash`;

describe('mixed sets', () => {
  it('are named by a URL that people can read and that opens them again', async () => {
    const parts = { persistence: 's3://b/p?endpoint=http://h:1&region=r', locking: 'sqlite:/a b/c&d+%2F.db' };
    expect(mixedParts(mixedUrl(parts))).toEqual(parts);
    expect(mixedUrl({ persistence: 's3://b', locking: 'redis://h/0' })).toBe(
      'mixed:?persistence=s3://b&locking=redis://h/0',
    );
    const set = await openBackends(mixedUrl({ persistence: sqlite('steps'), locking: sqlite('locks') }));
    const again = await openBackends(set.url);
    expect(again.url).toBe(set.url);
    await Promise.all([set.close(), again.close()]);
  });

  it('show no passwords', () => {
    const url = mixedUrl({ persistence: 'redis://u:geheim@h', locking: 'consul://h?token=geheim&tls=true' });
    expect(withoutSecrets(url)).not.toContain('geheim');
    expect(mixedParts(withoutSecrets(url)).persistence).toBe('redis://u:***@h');
  });

  it.each([
    ['mixed:?', 'usage'],
    ['mixed:?locking=memory:', 'usage'],
    ['mixed:?persistence=memory:&signals=memory:', 'usage'],
    ['mixed:?persistence=memory:&locking=nonsense:', 'unknown-backend'],
    ['mixed:?persistence=local:DIR/x&work=local:DIR/x', 'unknown-backend'],
  ])('refuse %s', async (url, code) => {
    await expect(openBackends(url.replaceAll('DIR', dir))).rejects.toMatchObject({ code });
  });

  it('open a store once, and check fences in its own transactions, however many roles it has', async () => {
    const url = sqlite('one');
    const set = await openBackends(mixedUrl({ persistence: url, locking: url, work: sqlite('work') }));
    const fence = { key: 'job', token: 99 };
    await expect(
      set.persistence.save(stepKey('job', 0), snapshotOf('job', 0), { fence }),
    ).rejects.toMatchObject({
      code: 'lease-lost',
    });
    await set.close();
    await expect(set.persistence.latest('job')).rejects.toMatchObject({ code: 'backend' });
    expect(() => set.work.pool('p').watch(() => {})).toThrow();
  });

  it('a holder that was stopped for longer than its lease writes nothing after another', async () => {
    const url = mixedUrl({ persistence: sqlite('steps'), locking: sqlite('locks') });
    const [old, young] = await Promise.all([
      startWorker(url, { heartbeatInterval: 0.2 }),
      startWorker(url, { heartbeatInterval: 0.2 }),
    ]);
    const save = (worker: typeof old, step: number, fence: unknown) =>
      worker.call('persistence', 'save', stepKey('job', step), snapshotOf('job', step), { fence });
    expect(await old.call('locking', 'acquire', 'job')).toBe(true);
    const stale = await old.call('worker', 'lease', 'job');
    await save(old, 0, stale);
    await old.kill('SIGSTOP');
    while (!(await young.call('locking', 'acquire', 'job')))
      await new Promise((next) => setTimeout(next, 50));
    const fresh = await young.call('worker', 'lease', 'job');
    await save(young, 1, fresh);
    await old.kill('SIGCONT');
    await expect(save(old, 2, stale)).rejects.toThrow('lease-lost');
    // What slips through between the question for the holder and the write meets the write-once key.
    await expect(save(old, 1, undefined)).rejects.toThrow('step-conflict');
    await expect(old.call('journal', 'append', 'job', 1, 'k', 1, stale)).rejects.toThrow('lease-lost');
    await save(young, 2, fresh);
    expect(await young.call('persistence', 'list', 'job/')).toEqual(
      [0, 1, 2].map((step) => stepKey('job', step)),
    );
  });

  it('deletes the results of an execution in the other store', async () => {
    const set = await openBackends(mixedUrl({ persistence: sqlite('steps'), results: sqlite('results') }));
    await set.persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    for (const id of ['job', 'job-1']) await set.results.write(`flatagents://${id}/result`, 1);
    await set.results.write('flatagents://job/checkpoint', 2);
    await set.persistence.deleteExecution('job');
    expect(await set.results.exists('flatagents://job/result')).toBe(false);
    expect(await set.results.exists('flatagents://job/checkpoint')).toBe(false);
    expect(await set.results.exists('flatagents://job-1/result')).toBe(true);
    await set.close();
  });

  it('keep no slots where leases die with the process: environments do not', async () => {
    const set = await openBackends(mixedUrl({ persistence: sqlite('steps'), locking: 'memory:' }));
    expect(await set.slots.slots()).toEqual([]);
    await expect(set.slots.addSlots([])).rejects.toThrow('memory: keeps no slots');
    await set.close();
  });
});

describe('roles that a store does not have', () => {
  it('read as empty, and say what to use instead when they are written', async () => {
    const set = await openBackends(`local:${join(dir, 'x')}`);
    expect(await set.slots.environments()).toEqual([]);
    expect(await set.signals.waits()).toEqual([]);
    expect(await set.signals.nextDeadline()).toBeNull();
    expect(await set.registration.list()).toEqual([]);
    expect(await set.work.pools()).toEqual([]);
    expect(await set.work.pool('p').size()).toBe(0);
    set.signals.watch(() => {})();
    for (const write of [
      () => set.signals.send('c', 1),
      () => set.work.pool('p').push(1),
      () => set.work.pool('p').claim('w'),
      () => set.registration.register({ worker_id: 'w', started_at: '2026-01-01T00:00:00Z' }),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'backend',
        message: expect.stringContaining(`local:${join(dir, 'x')} keeps no`),
        remedy: expect.stringContaining('sqlite'),
      });
    }
    await set.close();
  });
});
