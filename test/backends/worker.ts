// A process that uses a store as its parent says: one JSON request per line in, one answer per line out.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import type { JsonValue } from '../../src/types.ts';

interface Request {
  id: number;
  role: 'persistence' | 'locking' | 'results' | 'slots' | 'signals' | 'worker';
  method: string;
  args: unknown[];
}

type Callable = Record<string, (...args: unknown[]) => unknown>;

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** A signal that was used up. */
export interface Taken {
  channel: string;
  signal_id: string;
  data: JsonValue;
}

let executions = 0;

/** Waits on a channel and, if there is a signal, uses it up. False = there was none, and the wait stays registered. */
async function take(
  { signals, persistence }: BackendSet,
  channel: string,
  taken: Taken[],
  executionId = `${process.pid}-${executions++}`,
): Promise<boolean> {
  const signal = await signals.wait({ executionId, work: 1, for: { channel }, deadline: null, fence: null });
  if (signal === null) return false;
  await persistence.save(stepKey(executionId, 0), snapshotOf(executionId, 0), {
    over: { work: 1, signal: 'consumed' },
  });
  taken.push({ channel, signal_id: signal.signal_id, data: signal.data });
  return true;
}

/** What only a process of its own can do. */
function workerMethods(set: BackendSet): Callable {
  return {
    /** Steps for ever, telling each one that was acknowledged. */
    saveForEver: async (id, size) => {
      for (let step = 0; ; step++) {
        const context = { step, text: String(step % 10).repeat(Number(size)) };
        await set.persistence.save(stepKey(String(id), step), snapshotOf(String(id), step, { context }));
        say({ acknowledged: step });
      }
    },
    saveMany: async (id, count) => {
      let refused = 0;
      for (let step = 0; step < Number(count); step++) {
        await set.persistence
          .save(stepKey(String(id), step), snapshotOf(String(id), step, { context: { pid: process.pid } }))
          .catch((error: { code: string }) => {
            if (error.code !== 'step-conflict') throw error;
            refused++;
          });
      }
      return refused;
    },
    lease: async (key) => {
      const lease = set.locking.lease(String(key));
      return lease && { key: lease.key, token: lease.token };
    },
    /** Answers once the lease is lost. */
    whenLost: async (key) => {
      const signal = set.locking.lease(String(key))?.signal as AbortSignal;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return (signal.reason as { code: string }).code;
    },
    /** Takes what is queued on these channels until nothing is left; each signal is used up by the step of an execution of its own. */
    drain: async (channels) => {
      const taken: Taken[] = [];
      for (let open = channels as string[]; open.length > 0; ) {
        const more = await Promise.all(open.map((channel) => take(set, channel, taken)));
        open = open.filter((_, i) => more[i]);
      }
      return taken;
    },
    /** The only consumer of these channels: waits for `count` signals on each. */
    consume: async (channels, count) => {
      const taken: Taken[] = [];
      const follow = async (channel: string) => {
        for (let n = 0; n < Number(count); n++)
          while (!(await take(set, channel, taken, `${channel}-${n}`))) await sleep(5);
      };
      await Promise.all((channels as string[]).map(follow));
      return taken;
    },
    sendMany: async (channels, from, count) => {
      for (let n = 0; n < Number(count); n++) {
        await Promise.all((channels as string[]).map((channel) => set.signals.send(channel, `${from} ${n}`)));
      }
    },
    /** Takes, uses and gives back slots; returns how often it had one. */
    churnSlots: async (pool, trajectory, milliseconds) => {
      const key = String(trajectory);
      await set.locking.acquire(key);
      const fence = set.locking.lease(key);
      let had = 0;
      for (const end = Date.now() + Number(milliseconds); Date.now() < end; ) {
        const slot = await set.slots.acquireSlot(String(pool), key, fence as never);
        if (!slot) continue;
        had++;
        const seen = await set.slots.slot(slot.slot_id);
        if (seen?.trajectory_id !== key || seen.token !== slot.token) throw new Error('two holders');
        const go = (from: 'acquired' | 'releasing', state: 'releasing' | 'available') =>
          set.slots.changeSlot(slot.slot_id, slot.token, [from], { state });
        await go('acquired', 'releasing');
        await go('releasing', 'available');
      }
      return had;
    },
  };
}

async function main(): Promise<void> {
  const [url, options] = process.argv.slice(2) as [string, string];
  const set = await openBackends(url, JSON.parse(options) as BackendOptions);
  const targets = { ...set, worker: workerMethods(set) } as unknown as Record<string, Callable>;
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, role, method, args } = JSON.parse(line) as Request;
    const target = targets[role] as Callable;
    Promise.resolve((target[method] as Callable[string]).apply(target, args)).then(
      (value) => say({ id, value: value ?? null }),
      (error: { code?: string; message: string }) => say({ id, code: error.code ?? error.message }),
    );
  }
  await set.close();
}

void main();
