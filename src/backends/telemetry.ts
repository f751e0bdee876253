import type * as OpenTelemetry from '@opentelemetry/api';
import { isFlatMachineError } from '../errors.ts';
import { importOptional } from '../import-optional.ts';
import { packageVersion } from '../package-root.ts';
import { systemClock } from '../types.ts';
import type {
  BackendSet,
  ExecutionLock,
  JournalBackend,
  PersistenceBackend,
  WorkPool,
} from './interfaces.ts';

/** Where `@opentelemetry/api` of this generation keeps the providers that are registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** What is counted and measured about a store. */
interface Instruments {
  /** Seconds of each write of a step or of a journal entry, by `flatmachine.write` and `flatmachine.outcome`. */
  commits: OpenTelemetry.Histogram;
  leasesLost: OpenTelemetry.Counter;
  claims: OpenTelemetry.Counter;
  finishes: OpenTelemetry.Counter;
}

/**
 * The store, telling the OpenTelemetry API of commits, claims and lost leases; the store itself where this process has registered no
 * provider of OpenTelemetry metrics, so that nothing is loaded and nothing costs anything.
 */
export async function observed(set: BackendSet): Promise<BackendSet> {
  const registered = (globalThis as { [key: symbol]: { metrics?: unknown } | undefined })[REGISTERED];
  if (registered?.metrics === undefined) return set;
  const api = await importOptional<typeof OpenTelemetry>('@opentelemetry/api', 'OpenTelemetry');
  const to = instrumentsOf(api);
  const at = { 'flatmachine.backend': set.url.split(':', 1)[0] as string };
  return Object.assign(Object.create(set) as BackendSet, {
    persistence: observedPersistence(set.persistence, to, at),
    journal: observedJournal(set.journal, to, at),
    locking: observedLocking(set.locking, to, at),
    work: extended(set.work, { pool: (name: string) => observedPool(set.work.pool(name), to, at) }),
  });
}

type Place = Readonly<Record<string, string>>;

/** By the provider they were made with: a process makes them once, however many stores it opens. */
const made = new WeakMap<OpenTelemetry.MeterProvider, Instruments>();

function instrumentsOf(api: typeof OpenTelemetry): Instruments {
  const provider = api.metrics.getMeterProvider();
  const known = made.get(provider);
  if (known !== undefined) return known;
  const meter = provider.getMeter('flatmachine', packageVersion());
  const counter = (name: string, description: string, unit: string) =>
    meter.createCounter(`flatmachine.${name}`, { description, unit });
  const instruments: Instruments = {
    commits: meter.createHistogram('flatmachine.commit.duration', {
      description: 'Time of one durable write, of a step or of a journal entry',
      unit: 's',
    }),
    leasesLost: counter('leases.lost', 'Leases that ended before they were given back', '{lease}'),
    claims: counter('work.claims', 'Items claimed from work pools', '{item}'),
    finishes: counter('work.finishes', 'Ends of attempts at items, by outcome', '{item}'),
  };
  made.set(provider, instruments);
  return instruments;
}

/** `target` with some of its members replaced; whatever else it has stays its own. */
function extended<T extends object>(target: T, members: Partial<T>): T {
  return Object.assign(Object.create(target) as T, members);
}

async function timed<T>(work: Promise<T>, to: Instruments, at: Place): Promise<T> {
  const began = systemClock.monotonic();
  let outcome = 'error';
  try {
    const value = await work;
    outcome = 'ok';
    return value;
  } finally {
    to.commits.record((systemClock.monotonic() - began) / 1000, { ...at, 'flatmachine.outcome': outcome });
  }
}

function observedPersistence(target: PersistenceBackend, to: Instruments, at: Place): PersistenceBackend {
  const place = { ...at, 'flatmachine.write': 'step' };
  return extended(target, { save: (...args) => timed(target.save(...args), to, place) });
}

function observedJournal(target: JournalBackend, to: Instruments, at: Place): JournalBackend {
  const place = { ...at, 'flatmachine.write': 'journal' };
  return extended(target, { append: (...args) => timed(target.append(...args), to, place) });
}

/** A lease that its holder gives back is aborted by nobody. */
function observedLocking(target: ExecutionLock, to: Instruments, at: Place): ExecutionLock {
  return extended(target, {
    async acquire(key) {
      const acquired = await target.acquire(key);
      const signal = acquired ? target.lease(key)?.signal : undefined;
      signal?.addEventListener('abort', () => to.leasesLost.add(1, at), { once: true });
      return acquired;
    },
  });
}

function observedPool(target: WorkPool, to: Instruments, at: Place): WorkPool {
  const place = { ...at, 'flatmachine.pool': target.name };
  const finished = (outcome: string, count = 1) =>
    to.finishes.add(count, { ...place, 'flatmachine.outcome': outcome });
  async function ended(outcome: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (isFlatMachineError(error, 'lease-lost')) finished('lost');
      throw error;
    }
    finished(outcome);
  }
  return extended(target, {
    async claim(...args) {
      const item = await target.claim(...args);
      if (item !== null) to.claims.add(1, place);
      return item;
    },
    async claimMany(...args) {
      const items = await target.claimMany(...args);
      if (items.length > 0) to.claims.add(items.length, place);
      return items;
    },
    complete: (...args) => ended('done', target.complete(...args)),
    fail: (...args) => ended('failed', target.fail(...args)),
    async exchange(finishes, ...rest) {
      const { claimed, lost } = await target.exchange(finishes, ...rest);
      if (claimed.length > 0) to.claims.add(claimed.length, place);
      for (const { id, status } of finishes) finished(lost.includes(id) ? 'lost' : status);
      return { claimed, lost };
    },
  });
}
