import type { Wait } from '../interfaces.ts';
import { formatSignalId } from '../signal-id.ts';
import type { RedisStore } from './connection.ts';
import { isSeenDead } from './lease-store.ts';
import { WAITS } from './lua/signals.ts';

/** A wait as a script gives it; empty texts stand for null. */
export type WaitRow = [
  w: string,
  execution_id: string,
  work: string,
  channel: string,
  deadline: string,
  signal: string,
  holder: string,
];

/** How many waits are looked at by one script: it keeps everybody else waiting. */
const PAGE = 500;

/** Reads of waits in the order of a set. */
export interface WaitList {
  /** All waits of a set. */
  all(set: string): Promise<Wait[]>;
  /** See `SignalBackend.ready`. */
  ready(now: number, limit: number): Promise<Wait[]>;
  /** See `SignalBackend.nextDeadline`. */
  nextDeadline(): Promise<number | null>;
}

/** Makes the lists of a store's waits. What they cost is what they return, and the waits that somebody alive or at rest keeps from being ready. */
export function createWaitList(store: RedisStore): WaitList {
  const waits = store.script(WAITS);

  async function pages(
    set: string,
    most: number | '+inf',
    parked: boolean,
    accept: (row: WaitRow) => boolean,
  ): Promise<void> {
    for (let skip = 0; ; skip += PAGE) {
      const [seen, rows] = (await waits(set, most, skip, PAGE, parked ? 1 : 0)) as [number, WaitRow[]];
      for (const row of rows) if (!accept(row)) return;
      if (seen < PAGE) return;
    }
  }

  /** The first `limit` of those that nobody alive takes care of. Looks at each process once, however many leases it holds. */
  async function firstParked(set: string, most: number | '+inf', limit: number): Promise<WaitRow[]> {
    const found: WaitRow[] = [];
    const dead = new Map<string, boolean>([['', true]]);
    await pages(set, most, true, (row) => {
      const holder = row[6];
      const isFree = dead.get(holder) ?? isSeenDead(holder);
      dead.set(holder, isFree);
      if (isFree) found.push(row);
      return found.length < limit;
    });
    return found;
  }

  return {
    async all(set) {
      const found: Wait[] = [];
      await pages(set, '+inf', false, (row) => found.push(describeWait(row)) > 0);
      return found;
    },

    async ready(now, limit) {
      if (limit < 1) return [];
      const [ready, late] = await Promise.all([
        firstParked('ready', '+inf', limit),
        firstParked('deadlines', now, limit),
      ]);
      const found = new Map([...ready, ...late].map((row) => [Number(row[0]), row]));
      return [...found]
        .sort(([a], [b]) => a - b)
        .slice(0, limit)
        .map(([, row]) => describeWait(row));
    },

    async nextDeadline() {
      const [earliest] = await firstParked('deadlines', '+inf', 1);
      return earliest ? Number(earliest[4]) : null;
    },
  };
}

function describeWait([, execution_id, work, channel, deadline, signal]: WaitRow): Wait {
  return {
    execution_id,
    work: Number(work),
    channel: channel || null,
    deadline: deadline === '' ? null : Number(deadline),
    signal_id: signal === '' ? null : formatSignalId(Number(signal)),
  };
}
