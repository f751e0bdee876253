import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendSet, WorkPool } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { FlatMachineError } from '../../src/errors.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { PoolWorker } from '../../src/library/pool-worker.ts';
import type { PoolWorkerEvent } from '../../src/library/pool-worker-events.ts';
import { load, machineOf } from '../helpers/machine.ts';

const WORK = {
  states: {
    work: { type: 'initial', action: 'work', transitions: [{ to: 'end' }] },
    end: { type: 'final' },
  },
};

const ROLLOUT = {
  hooks: { name: 'rollout' },
  states: {
    load: { type: 'initial', action: 'load_task', transitions: [{ to: 'end' }] },
    end: { type: 'final' },
  },
};

let store: BackendSet;
let pool: WorkPool;
let events: PoolWorkerEvent[];
let broken: boolean;

beforeEach(async () => {
  store = await openBackends('memory');
  pool = store.work.pool('jobs');
  events = [];
  broken = true;
  await pool.pushMany(Array.from({ length: 12 }, (_, n) => ({ data: n })));
});
afterEach(() => store.close());

async function worker(hooks: MachineHooks, options: { runner?: string } = {}): Promise<PoolWorker> {
  const machine = await load(WORK, hooks, { backend: store });
  const onEvent = (event: PoolWorkerEvent) => void events.push(event);
  return new PoolWorker({ machine, pool: 'jobs', concurrency: 4, untilEmpty: true, onEvent, ...options });
}

const unavailable = () => new FlatMachineError('runner-unavailable', 'no daemon answers');
const pauses = () => events.flatMap((event) => (event.type === 'host' ? [event.retryIn] : []));
const untouched = { pending: 12, delayed: 0, claimed: 0, done: 0, poisoned: 0 };

describe('a host that cannot run the machine', () => {
  it('claims nothing, registers nobody, and says what is missing', async () => {
    const check = () => {
      throw unavailable();
    };
    await expect((await worker({ check })).run()).rejects.toThrow(/no daemon answers/);
    expect(await pool.counts()).toEqual(untouched);
    expect(await store.registration.list()).toEqual([]);
  });

  it('is found out by the hooks of children too', async () => {
    const child = { ...ROLLOUT, hooks: { name: 'rollout', args: { runner: 'none' } } };
    const data = {
      machines: { child: machineOf(child) },
      states: {
        one: { type: 'initial', machine: 'child', transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    };
    const machine = await load(data, {}, { backend: store });
    await expect(machine.checkHost()).rejects.toMatchObject({ code: 'unknown-runner' });
  });

  it('is found out by the runner that is named', async () => {
    const machine = await load(ROLLOUT, {}, { backend: store });
    await machine.checkHost();
    await machine.checkHost({ runner: 'local' });
    await expect(machine.checkHost({ runner: 'none' })).rejects.toMatchObject({ code: 'unknown-runner' });
    const before = process.env.DOCKER_HOST;
    process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
    try {
      await expect(machine.checkHost({ runner: 'docker' })).rejects.toMatchObject({
        code: 'runner-unavailable',
      });
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
    }
  });
});

describe('a host that fails later', () => {
  it('claims nothing while its check fails, and goes on when it passes again', async () => {
    const check = () => {
      if (broken && events.length > 0) throw unavailable();
    };
    const onAction = () => {
      if (broken) throw unavailable();
      return {};
    };
    const running = (await worker({ check, onAction })).run();
    await sleep(2_000);
    // Those that were under way when it began to fail, and nothing after.
    expect((await pool.items()).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, ...Array(8).fill(0)]);
    expect(pauses()).toEqual([1_000, 2_000]);
    broken = false;
    expect(await running).toMatchObject({ done: 12, failed: 4, poisoned: 0 });
  });

  it('claims one item at a time, with pauses, where only items show that it fails', async () => {
    const onAction = () => {
      if (broken) throw new FlatMachineError('missing-package', 'not installed');
      return {};
    };
    const running = (await worker({ onAction })).run();
    await sleep(1_500);
    const attempts = (await pool.items()).reduce((sum, item) => sum + item.attempts, 0);
    expect(attempts).toBe(5);
    expect(pauses()).toEqual([1_000, 2_000]);
    broken = false;
    expect(await running).toMatchObject({ done: 12, failed: 5, poisoned: 0 });
  });
});
