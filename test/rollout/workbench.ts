import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendSet, Fence } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { EventDraft, ExecutionStatus } from '../../src/events.ts';
import { type MachineSnapshot, stepKey } from '../../src/machine/snapshot.ts';
import { type AcquireRequest, type HeldSlot, type PoolSettings, SlotPool } from '../../src/rollout/pool.ts';
import { type ReapOptions, type ReapReport, reap } from '../../src/rollout/reaper.ts';
import type { ExecResult, Runner } from '../../src/runners/interfaces.ts';
import { openRunner } from '../../src/runners/registry.ts';
import { systemClock } from '../../src/types.ts';

/** An execution as a pool sees it: an id and the right to act for it. */
export interface Trajectory {
  id: string;
  fence: Fence;
  events: EventDraft[];
  request(signal?: AbortSignal): AcquireRequest;
}

/** A store, the local runner and pools over them, in a directory of its own. */
export interface Workbench {
  dir: string;
  backends: BackendSet;
  runner: Runner;
  pool(settings?: Partial<PoolSettings>, runner?: Runner): SlotPool;
  /** Another process, as far as stores and runners can tell. */
  another(): Promise<Workbench>;
  trajectory(id: string): Promise<Trajectory>;
  /** Removes what nobody owns. */
  reap(options?: Partial<ReapOptions>): Promise<ReapReport>;
  /** What is still recorded or running. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** One slot, made on demand. */
export function poolSettings(): PoolSettings {
  return { name: 'test', spec: {}, slotsPerEnvironment: 1, min: 0, max: 1, acquireTimeout: 20 };
}

/** The first record of an execution, as `save` wants it. */
export function recordOf(
  id: string,
  status: ExecutionStatus,
  now = Date.now(),
): [key: string, snapshot: MachineSnapshot] {
  const snapshot = {
    execution_id: id,
    machine_name: 'test',
    spec_version: '1.0.0',
    current_state: 's',
    context: {},
    step: 0,
    created_at: new Date(now).toISOString(),
    status,
    next_state: 's',
    work_step: 1,
    input: {},
    config_hash: '',
    epoch: 1,
  };
  return [stepKey(id, 0), snapshot];
}

/** @param store `memory`, or `sqlite` for a file in the directory */
export async function workbench(
  store: string,
  dir = mkdtempSync(join(tmpdir(), 'pool-')),
): Promise<Workbench> {
  const url = store === 'memory' ? 'memory' : `sqlite:${join(dir, 'store.db')}`;
  const backends = await openBackends(url, { durability: store === 'memory' ? 'none' : 'process-crash' });
  const stateDir = join(dir, 'state');
  const runner = await openRunner('local', { stateDir });
  const pools: SlotPool[] = [];
  const others: Workbench[] = [];
  return {
    dir,
    backends,
    runner,
    pool(settings = {}, over = runner) {
      const parts = { backends, runner: over, clock: systemClock, stateDir };
      const pool = new SlotPool(parts, { ...poolSettings(), ...settings });
      pools.push(pool);
      return pool;
    },
    async another() {
      const other = await workbench(store, dir);
      others.push(other);
      return other;
    },
    async trajectory(id) {
      if (!(await backends.locking.acquire(id))) throw new Error(`${id} is locked`);
      const { key, token } = backends.locking.lease(id) as Fence;
      const events: EventDraft[] = [];
      const fence = { key, token };
      const request = (signal = new AbortController().signal) => ({
        executionId: id,
        fence,
        signal,
        tell: (event: EventDraft) => {
          events.push(event);
        },
      });
      return { id, fence, events, request };
    },
    reap: (options = {}) =>
      reap({ backends, openRunner: () => runner, runners: ['local'], stateDir, ...options }),
    async leftovers() {
      const records = await backends.slots.environments();
      return [
        ...records.map(({ environment_id, state }) => `record ${environment_id} ${state}`),
        ...(await backends.slots.slots()).map(({ slot_id, state }) => `slot ${slot_id} ${state}`),
        ...(await runner.list({})).map(({ id }) => `environment ${id}`),
      ];
    },
    async close() {
      for (const pool of pools) await pool.close();
      for (const other of others) await other.close();
      await reap({ backends, openRunner: () => runner, runners: ['local'], stateDir, grace: 0 });
      for (const { id } of await runner.list({})) await runner.destroy(id);
      await backends.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

let commands = 0;

/** Runs a command in a held slot, under an id that nobody else uses. */
export function run(held: HeldSlot, cmd: string): Promise<ExecResult> {
  const { slot_id: slotId, token } = held.slot;
  return held.environment.exec({
    slotId,
    token,
    execId: `test.${process.pid}.${++commands}`,
    cmd,
    timeout: 20,
  });
}
