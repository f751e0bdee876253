import type { BackendSet, EnvironmentRecord, Slot } from '../backends/interfaces.ts';
import { toError } from '../errors.ts';
import type { EnvironmentInfo, Runner } from '../runners/interfaces.ts';
import { type Clock, systemClock } from '../types.ts';
import { Boxes } from './boxes.ts';
import { homeOf, MARK, storeOf, storeProcessLives } from './identity.ts';
import { type Standing, standingOf, storedStanding, underItsLease } from './liveness.ts';
import { type OpenRunner, releaseExecution } from './release.ts';

/** What a reaping works on. */
export interface ReapOptions {
  backends: BackendSet;
  openRunner: OpenRunner;
  /** Names of the runners to look at. Those that do not work on this machine are reported. */
  runners: readonly string[];
  /** Only what was created under this directory is looked at. */
  stateDir: string;
  /** Seconds since its last commit for which an execution that nobody runs keeps what it has, to be resumed. Default 3600; 0 = none. */
  grace?: number;
  /** Only say what would be removed. */
  dryRun?: boolean;
  clock?: Clock;
}

/** One thing that no living execution owns. */
export interface ReapedItem {
  kind: 'slot' | 'environment';
  id: string;
  runner: string;
  /** The execution that has it, or had it last. */
  owner: string;
  /** Why it may go. */
  reason: string;
  /** Why it could not be removed; absent = it is gone, or would be. */
  error?: string;
}

/** What a reaping came to. */
export interface ReapReport {
  items: ReapedItem[];
  /** Runners that could not be asked, with what they lack. */
  unreachable: { runner: string; detail: string }[];
}

/**
 * Removes what no living execution owns: slots and environments of executions that are over or were abandoned, idle environments,
 * slots in quarantine, and whatever a runner has that nobody recorded. Safe beside running executions: what belongs to one is taken only under its own lease.
 */
export async function reap(options: ReapOptions): Promise<ReapReport> {
  const { backends, stateDir, dryRun = false } = options;
  const home = homeOf(stateDir);
  const unreachable: ReapReport['unreachable'] = [];
  // Listed before the records are read: what is listed and has no record has lost it, or never had one.
  const listed: Found[] = [];
  for (const name of options.runners) {
    const runner = await options.openRunner(name);
    const { available, detail } = await runner.probe();
    if (!available) unreachable.push({ runner: name, detail });
    else for (const info of await runner.list({ ...MARK, home })) listed.push({ runner, info });
  }
  const records = (await backends.slots.environments()).filter((record) => homeIn(record) === home);
  const slots = await backends.slots.slots();
  const judge = new Judge(options);
  const owned = await ownedItems(judge, records, slots);
  const idle = await idleItems(judge, records, slots, owned);
  const stray = await strayItems(judge, records, listed);
  if (!dryRun) {
    await removeOwned(options, owned);
    await removeIdle(options, idle);
    await removeStray(listed, stray);
  }
  return { items: [...owned, ...idle, ...stray], unreachable };
}

/** Something a runner has. */
interface Found {
  runner: Runner;
  info: EnvironmentInfo;
}

const FREE: ReadonlySet<Slot['state']> = new Set(['available', 'error']);

/** Says of an execution whether what it owns may go. Asked once each. */
class Judge {
  readonly #options: ReapOptions;
  readonly #standings = new Map<string, Standing>();

  constructor(options: ReapOptions) {
    this.#options = options;
  }

  async standing(executionId: string): Promise<Standing> {
    const known = this.#standings.get(executionId);
    if (known !== undefined) return known;
    const standing = await standingOf(this.#options.backends, executionId);
    this.#standings.set(executionId, standing);
    return standing;
  }

  /** Why what this execution owns may go, or null. */
  async reason(executionId: string): Promise<string | null> {
    return reasonFor(await this.standing(executionId), this.#options);
  }

  /** Whether something made then is old enough not to be about to be used. */
  isPastGrace(since: string): boolean {
    return isPastGrace(Date.parse(since), this.#options);
  }

  /** Whether the owner of something unrecorded can still know of it. */
  async knowsOf(labels: Record<string, string>): Promise<boolean> {
    const store = labels.store ?? '';
    const lives = storeProcessLives(store);
    if (lives !== null) return lives && store !== storeOf(this.#options.backends);
    if (store !== storeOf(this.#options.backends)) return true;
    return (await this.standing(labels.owner ?? '')).is === 'alive';
  }
}

function reasonFor(standing: Standing, options: ReapOptions): string | null {
  if (standing.is === 'alive' || standing.is === 'waiting') return null;
  if (standing.is === 'ended') return 'its execution is over';
  return isPastGrace(standing.updated, options) ? 'its execution was abandoned' : null;
}

function isPastGrace(since: number, { grace = 3600, clock = systemClock }: ReapOptions): boolean {
  return clock.now() - since >= grace * 1000;
}

/** Slots held, and environments begun, by executions that are over or abandoned. */
async function ownedItems(
  judge: Judge,
  records: readonly EnvironmentRecord[],
  slots: readonly Slot[],
): Promise<ReapedItem[]> {
  const items: ReapedItem[] = [];
  for (const { environment_id: id, runner, state, owner } of records) {
    for (const { slot_id, alloc_id, trajectory_id } of slots) {
      if (alloc_id !== id || trajectory_id === null) continue;
      const reason = await judge.reason(trajectory_id);
      if (reason !== null) items.push({ kind: 'slot', id: slot_id, runner, owner: trajectory_id, reason });
    }
    const reason = state === 'creating' ? await judge.reason(owner) : null;
    if (reason !== null) items.push({ kind: 'environment', id, runner, owner, reason });
  }
  return items;
}

/** Environments that nobody uses, or that nobody will once the owned items are gone. */
async function idleItems(
  judge: Judge,
  records: readonly EnvironmentRecord[],
  slots: readonly Slot[],
  owned: readonly ReapedItem[],
): Promise<ReapedItem[]> {
  const going = new Set(owned.map(({ id }) => id));
  const items: ReapedItem[] = [];
  for (const record of records) {
    const { environment_id: id, runner, owner, state } = record;
    if (state === 'creating') continue;
    const mine = slots.filter(({ alloc_id }) => alloc_id === id);
    const item = { kind: 'environment' as const, id, runner, owner };
    if (state === 'destroying') {
      const abandoned = (await judge.standing(owner)).is !== 'alive';
      if (abandoned) items.push({ ...item, reason: 'its removal was cut off' });
    } else if (mine.every((slot) => FREE.has(slot.state) || going.has(slot.slot_id))) {
      const reason = mine.some((slot) => slot.state === 'error')
        ? 'a slot of it is in quarantine'
        : mine.some((slot) => going.has(slot.slot_id))
          ? 'all who used it are over'
          : (await judge.reason(owner)) !== null && judge.isPastGrace(record.created_at)
            ? 'nobody uses it'
            : null;
      if (reason !== null) items.push({ ...item, reason });
    }
  }
  return items;
}

/** What a runner has though nobody recorded it. */
async function strayItems(
  judge: Judge,
  records: readonly EnvironmentRecord[],
  listed: readonly Found[],
): Promise<ReapedItem[]> {
  const recorded = new Set(records.map(({ environment_id }) => environment_id));
  const items: ReapedItem[] = [];
  for (const { runner, info } of listed) {
    if (recorded.has(info.id) || (await judge.knowsOf(info.labels))) continue;
    const owner = info.labels.owner ?? '';
    items.push({
      kind: 'environment',
      id: info.id,
      runner: runner.name,
      owner,
      reason: 'nobody recorded it',
    });
  }
  return items;
}

async function removeOwned(options: ReapOptions, items: readonly ReapedItem[]): Promise<void> {
  const { backends, openRunner } = options;
  for (const owner of new Set(items.map((item) => item.owner))) {
    const mine = items.filter((item) => item.owner === owner);
    await attempt(mine, async () => {
      const done = await underItsLease(backends, owner, async () => {
        // It may have been resumed, and stopped again, since it was judged.
        if (reasonFor(await storedStanding(backends, owner), options) === null) throw new Error(BUSY);
        await releaseExecution(backends, openRunner, owner);
      });
      if (!done) throw new Error(BUSY);
    });
  }
}

const BUSY = 'its execution was resumed meanwhile';

async function removeIdle(
  { backends, openRunner }: ReapOptions,
  items: readonly ReapedItem[],
): Promise<void> {
  const left = new Map(
    (await backends.slots.environments()).map((record) => [record.environment_id, record]),
  );
  for (const item of items) {
    const record = left.get(item.id);
    if (record === undefined) continue;
    await attempt([item], async () => {
      const boxes = new Boxes(backends, await openRunner(record.runner));
      if (!(await boxes.retire(record))) throw new Error('somebody uses it again');
    });
  }
}

async function removeStray(listed: readonly Found[], items: readonly ReapedItem[]): Promise<void> {
  for (const item of items) {
    const found = listed.find(({ runner, info }) => info.id === item.id && runner.name === item.runner);
    await attempt([item], async () => found?.runner.destroy(item.id));
  }
}

/** A failure is told with the items it concerns; the others are gone about all the same. */
async function attempt(items: readonly ReapedItem[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    for (const item of items) item.error = toError(thrown).message;
  }
}

function homeIn({ spec }: EnvironmentRecord): string | undefined {
  return (spec.labels as Record<string, string> | undefined)?.home;
}
