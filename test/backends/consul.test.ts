import { afterEach, describe, expect, it } from 'vitest';
import type { BackendSet, Lease } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { describeWith } from '../helpers/components.ts';
import { startHttp, startLossyProxy } from '../helpers/servers/http-proxy.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(url: string, heartbeatInterval = 30): Promise<BackendSet> {
  const set = await openBackends(url, { heartbeatInterval });
  closing.push(() => set.close());
  return set;
}

describe('consul', () => {
  it.each([0, -1, Number.NaN, 43_201])('refuses a heartbeat of %d s', async (heartbeatInterval) => {
    const opening = openBackends('consul://127.0.0.1:1', { heartbeatInterval });
    await expect(opening).rejects.toMatchObject({ code: 'usage' });
  });

  it('says that nobody answers, and shows no token', async () => {
    const opening = openBackends('consul://127.0.0.1:1?token=geheim');
    await expect(opening).rejects.toMatchObject({
      code: 'backend',
      message: expect.not.stringContaining('geheim'),
    });
  });

  it('says that a token may not do this', async () => {
    const server = await startHttp((incoming, response) => {
      const known = incoming.headers['x-consul-token'] === 'geheim';
      incoming.resume().on('end', () => {
        response.statusCode = known && incoming.url === '/v1/status/leader' ? 200 : 403;
        response.end('Permission denied');
      });
    });
    closing.push(() => server.close());
    const set = await opened(`consul://127.0.0.1:${server.port}?token=geheim`);
    await expect(set.locking.acquire('job')).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('403: Permission denied'),
      remedy: expect.stringContaining('token'),
    });
  });
});

describeWith('consul', 'consul under trouble', serverAvailability('consul'), () => {
  useWorkers();

  const originOf = (url: string) => `http://${/^consul:\/\/([^/?]+)/.exec(url)?.[1]}`;
  const keyOf = (url: string, key: string) => `${/prefix=(\w+)/.exec(url)?.[1]}/leases/${key}`;

  async function entry(url: string, key: string): Promise<{ Session: string; ModifyIndex: number } | null> {
    const response = await fetch(`${originOf(url)}/v1/kv/${keyOf(url, key)}?consistent`);
    return response.ok ? ((await response.json()) as { Session: string; ModifyIndex: number }[])[0]! : null;
  }

  const lost = (lease: Lease | null) =>
    new Promise<string>((resolve) => {
      lease?.signal.addEventListener('abort', () => resolve((lease.signal.reason as { code: string }).code));
    });

  it('tokens grow across deletions of the key and ends of the session; nothing stays behind', async () => {
    const url = emptyStoreUrl('consul');
    const set = await opened(url);
    const tokens: number[] = [];
    for (let round = 0; round < 4; round++) {
      expect(await set.locking.acquire('job')).toBe(true);
      tokens.push(set.locking.lease('job')?.token as number);
      const held = await entry(url, 'job');
      expect(held?.ModifyIndex).toBe(tokens.at(-1));
      if (round % 2) {
        const session = held?.Session as string;
        await fetch(`${originOf(url)}/v1/session/destroy/${session}`, { method: 'PUT' });
      }
      await set.locking.release('job');
      expect(await entry(url, 'job')).toBeNull();
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('a session that was ended loses its leases, and a deleted key its own', async () => {
    const url = emptyStoreUrl('consul');
    const set = await opened(url, 0.3);
    for (const key of ['a', 'b']) await set.locking.acquire(key);
    const [a, b] = [lost(set.locking.lease('a')), lost(set.locking.lease('b'))];
    await fetch(`${originOf(url)}/v1/kv/${keyOf(url, 'a')}`, { method: 'DELETE' });
    expect(await a).toBe('lease-lost');
    expect(set.locking.lease('b')).not.toBeNull();
    const session = (await entry(url, 'b'))?.Session as string;
    await fetch(`${originOf(url)}/v1/session/destroy/${session}`, { method: 'PUT' });
    expect(await b).toBe('lease-lost');
    expect(await set.locking.acquire('b')).toBe(true);
  });

  it('a dead process of this host loses its leases at once', async () => {
    const url = emptyStoreUrl('consul');
    const set = await opened(url);
    const worker = await startWorker(url);
    expect(await worker.call('locking', 'acquire', 'job')).toBe(true);
    const { token } = (await worker.call('worker', 'lease', 'job')) as { token: number };
    expect(await set.locking.acquire('job')).toBe(false);
    expect((await set.locking.holder('job'))?.expires_in).toBeGreaterThan(0);
    await worker.kill('SIGKILL');
    expect((await set.locking.holder('job'))?.expires_in).toBe(0);
    expect(await set.locking.acquire('job')).toBe(true);
    expect(set.locking.lease('job')?.token).toBeGreaterThan(token);
  });

  it('a stopped holder knows at once when it wakes, and its token is stale', async () => {
    const url = emptyStoreUrl('consul');
    const set = await opened(url);
    const worker = await startWorker(url, { heartbeatInterval: 0.2 });
    await worker.call('locking', 'acquire', 'job');
    const stale = (await worker.call('worker', 'lease', 'job')) as { token: number };
    await worker.kill('SIGSTOP');
    await new Promise((next) => setTimeout(next, 500));
    // Consul's own shortest session would take 10 to 20 s: what its end does, sooner.
    const session = (await entry(url, 'job'))?.Session as string;
    await fetch(`${originOf(url)}/v1/session/destroy/${session}`, { method: 'PUT' });
    expect(await set.locking.acquire('job')).toBe(true);
    await worker.kill('SIGCONT');
    expect(await worker.call('worker', 'lease', 'job')).toBeNull();
    expect((await set.locking.holder('job'))?.token).toBeGreaterThan(stale.token);
  });

  it('of many processes that ask at once one gets it', async () => {
    const url = emptyStoreUrl('consul');
    const workers = await Promise.all(Array.from({ length: 3 }, () => startWorker(url)));
    for (let round = 0; round < 5; round++) {
      const asked = workers.flatMap((worker) =>
        [1, 2, 3].map(() => worker.call('locking', 'acquire', `job-${round}`)),
      );
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    }
  });

  it('an acquisition whose answer was lost is had', async () => {
    const url = emptyStoreUrl('consul');
    let armed = false;
    const proxy = await startLossyProxy(originOf(url), ({ url: path }) => {
      const loses = armed && (path as string).startsWith('/v1/txn');
      if (loses) armed = false;
      return loses;
    });
    closing.push(() => proxy.close());
    const set = await opened(url.replace(originOf(url).slice(7), `127.0.0.1:${proxy.port}`));
    await set.locking.acquire('other');
    armed = true;
    expect(await set.locking.acquire('job')).toBe(true);
    expect(armed).toBe(false);
    expect(await set.locking.acquire('job')).toBe(false);
    expect((await set.locking.holder('job'))?.token).toBe(set.locking.lease('job')?.token);
  });
});
