import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet, EnvironmentRecord, Fence, Slot } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { describeWith } from '../helpers/components.ts';
import { type BreakingProxy, startBreakingProxy } from '../helpers/servers/breaking-proxy.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';

function environmentOf(id: string): EnvironmentRecord {
  return {
    environment_id: id,
    pool: 'pool',
    runner: 'local',
    state: 'creating',
    address: '',
    spec: {},
    owner: 'job',
    created_at: '2026-01-01T00:00:00.000Z',
  };
}

function slotOf(environment: string, n: number): Slot {
  return {
    slot_id: `${environment}-${n}`,
    alloc_id: environment,
    container_addr: '',
    workspace_dir: '',
    state: 'available',
    trajectory_id: null,
    metadata: {},
    pool: 'pool',
    token: 0,
  };
}

describeWith('postgres', 'slots, results and workers under stress', serverAvailability('postgres'), () => {
  let name = '';
  let url = '';
  let server: Client;
  let proxy: BreakingProxy;
  let a: BackendSet;
  let b: BackendSet;
  let fence: Fence;

  beforeEach(async () => {
    url = emptyStoreUrl('postgres');
    name = new URLSearchParams(url.split('?')[1]).get('schema') as string;
    const { port } = new URL(url);
    proxy = await startBreakingProxy(Number(port));
    url = `${url.replace(`:${port}`, `:${proxy.port}`)}&application_name=${name}`;
    server = new Client({ connectionString: serverUrl('postgres') });
    await server.connect();
    // Different sizes of the pool: as two processes, they share no connection.
    a = await openBackends(url);
    b = await openBackends(`${url}&pool=6`);
    await a.locking.acquire('job');
    fence = a.locking.lease('job') as Fence;
  });

  afterEach(async () => {
    await Promise.all([a.close(), b.close(), server.end()]);
    await proxy.close();
  });

  async function addEnvironment(id: string, slots: number): Promise<void> {
    await a.slots.addEnvironment(environmentOf(id), fence);
    await a.slots.addSlots(Array.from({ length: slots }, (_, n) => slotOf(id, n)));
    await a.slots.updateEnvironment(id, { state: 'ready' });
  }

  /** Ends all connections of both sets. */
  async function breakConnections(): Promise<void> {
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      name,
    ]);
  }

  /** Answers get lost while `work` goes on: nobody knows what was done. */
  async function inStorm(work: () => Promise<void>): Promise<void> {
    proxy.lose(0.15);
    try {
      await work();
    } finally {
      proxy.lose(0);
    }
    expect(proxy.broken()).toBeGreaterThan(5);
  }

  it('40 trajectories of two processes get the ten slots there are, each one', async () => {
    for (const id of ['e1', 'e2']) await addEnvironment(id, 5);
    const got = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? a : b).slots.acquireSlot('pool', `t-${n}`, fence)),
    );
    const slots = got.filter((slot) => slot !== null);
    expect(new Set(slots.map(({ slot_id }) => slot_id)).size).toBe(10);
    expect(slots).toHaveLength(10);
  });

  it('an environment is retired or its slot taken, never both', async () => {
    for (let n = 0; n < 20; n++) {
      await addEnvironment(`e${n}`, 1);
      const [slot, retired] = await Promise.all([
        a.slots.acquireSlot('pool', `t-${n}`, fence),
        b.slots.retireEnvironment(`e${n}`),
      ]);
      expect(slot === null).toBe(retired);
    }
  });

  it('no change is refused because its own first try was done, whenever answers are lost', () =>
    inStorm(async () => {
      await addEnvironment('e1', 1);
      for (let n = 0; n < 15; n++) {
        const slot = (await a.slots.acquireSlot('pool', `t-${n}`, fence)) as Slot;
        const { slot_id, token } = slot;
        await a.slots.changeSlot(slot_id, token, ['acquired'], { state: 'executing' });
        const seized = await b.slots.seizeSlot(slot_id, token);
        await b.slots.changeSlot(slot_id, seized.token, ['releasing'], { state: 'available' });
      }
    }));

  it('registrations are counted once and a lost worker is declared so by one, whenever answers are lost', () =>
    inStorm(async () => {
      for (let n = 1; n <= 15; n++) {
        const worker = { worker_id: 'w', started_at: '2026-01-01T00:00:00Z' };
        expect((await a.registration.register(worker)).registrations).toBe(n);
        const declared = await Promise.all([a, b].map((set) => set.registration.markLost('w', 0)));
        expect(declared.filter(Boolean)).toHaveLength(1);
      }
    }));

  it('a blocked reader is woken though its connections broke in between', async () => {
    const read = a.results.read('flatagents://job/result', { block: true, timeout: 4000 });
    await sleep(100);
    await breakConnections();
    await b.results.write('flatagents://job/result', { n: 1 });
    expect(await read).toEqual({ n: 1 });
  });
});
