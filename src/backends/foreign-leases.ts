import { staleFence } from './failures.ts';
import type {
  BackendSet,
  ExecutionLock,
  Fence,
  JournalBackend,
  PersistenceBackend,
  SignalBackend,
  Wait,
} from './interfaces.ts';
import { createReadyListeners, type ReadyListeners } from './ready-listeners.ts';

type Home = Pick<BackendSet, 'persistence' | 'journal' | 'signals'>;

/** More waits than a store has. */
const ALL = 1_000_000;

/** Waits that are looked at first for the next deadline: hardly ever is more than one of them held. */
const FEW = 16;

/**
 * What one store keeps of executions whose leases another keeps. Before a fenced write the holder is asked for, which is as near to one atomic step as two stores come.
 * Executions that are being run are left out of those that are ready by asking for their holders too; that a lease was given back is told within this process only.
 */
export function withLeasesOf(locking: ExecutionLock, home: Home): Home & { locking: ExecutionLock } {
  const listeners = createReadyListeners();
  async function check(fence: Fence): Promise<void> {
    const holder = await locking.holder(fence.key);
    if (holder?.token !== fence.token) throw staleFence(fence);
  }
  return {
    persistence: fencedPersistence(home.persistence, check),
    journal: fencedJournal(home.journal, check),
    signals: fencedSignals(home.signals, check, locking, listeners),
    locking: {
      ...locking,
      async release(key) {
        await locking.release(key);
        listeners.changed();
      },
    },
  };
}

type Check = (fence: Fence) => Promise<void>;

function fencedPersistence(persistence: PersistenceBackend, check: Check): PersistenceBackend {
  return {
    ...persistence,
    async save(key, snapshot, { fence, ...options } = {}) {
      if (fence) await check(fence);
      await persistence.save(key, snapshot, options);
    },
  };
}

function fencedJournal(journal: JournalBackend, check: Check): JournalBackend {
  return {
    ...journal,
    async append(executionId, work, key, value, fence) {
      if (fence) await check(fence);
      await journal.append(executionId, work, key, value, null);
    },
  };
}

function fencedSignals(
  signals: SignalBackend,
  check: Check,
  locking: ExecutionLock,
  listeners: ReadyListeners,
): SignalBackend {
  async function isFree(wait: Wait): Promise<boolean> {
    const holder = await locking.holder(wait.execution_id);
    return holder === null || holder.expires_in <= 0;
  }

  return {
    ...signals,

    async wait(request) {
      if (request.fence) await check(request.fence);
      return signals.wait({ ...request, fence: null });
    },

    async ready(now, limit) {
      // More are asked for until those that are being run do not hide the others.
      for (let most = limit; ; most *= 4) {
        const found = await signals.ready(now, most);
        const free: Wait[] = [];
        for (const wait of found) {
          if (free.length < limit && (await isFree(wait))) free.push(wait);
        }
        if (free.length === limit || found.length < most) return free;
      }
    },

    async nextDeadline() {
      const next = await signals.nextDeadline();
      if (next === null) return null;
      return (
        (await firstDeadline(await signals.ready(next, FEW), isFree)) ??
        (await firstDeadline(await signals.ready(Number.MAX_SAFE_INTEGER, ALL), isFree))
      );
    },

    watch(listener) {
      const stops = [signals.watch(listener), listeners.add(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

async function firstDeadline(
  waits: readonly Wait[],
  isFree: (wait: Wait) => Promise<boolean>,
): Promise<number | null> {
  const timed = waits.flatMap((wait) => (wait.deadline === null ? [] : [{ wait, deadline: wait.deadline }]));
  for (const { wait, deadline } of timed.sort((a, b) => a.deadline - b.deadline)) {
    if (await isFree(wait)) return deadline;
  }
  return null;
}
