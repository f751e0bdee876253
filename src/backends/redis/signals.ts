import { staleFence } from '../failures.ts';
import type { Fence, Signal, SignalBackend } from '../interfaces.ts';
import { checkChannel, checkId } from '../keys.ts';
import { createReadyListeners } from '../ready-listeners.ts';
import { formatSignalId } from '../signal-id.ts';
import { signalText } from '../signal-text.ts';
import type { RedisStore } from './connection.ts';
import { seal, unseal } from './damage.ts';
import { fenceArguments } from './fence.ts';
import { QUEUED, SEND, WAIT } from './lua/signals.ts';
import { drawNonce } from './nonce.ts';
import { createWaitList } from './wait-list.ts';

type SignalRow = [n: string, channel: string, text: string, sent_at: string];

/** Milliseconds for which a send is remembered, so that it is not done twice: longer than it is ever tried. */
const SEND_MEMORY = 300_000;

/** Signals may be large; so many are read at a time. */
const QUEUED_PAGE = 20;

/** Signals that can be closed. */
export interface RedisSignals extends SignalBackend {
  /** Ends everybody's watching. */
  close(): void;
}

/** Signals and waits on a redis server. Every call that writes is one script; what ends a wait is in `lua/delivery.ts`. */
export function createRedisSignals(store: RedisStore): RedisSignals {
  const send = store.script(SEND);
  const wait = store.script(WAIT);
  const queued = store.script(QUEUED);
  const list = createWaitList(store);
  const watching = new Set<() => void>();

  return {
    async send(channel, data) {
      checkChannel(channel);
      const text = seal(signalText(data));
      const sentAt = new Date().toISOString();
      const n = (await send(drawNonce(), channel, text, sentAt, SEND_MEMORY)) as string;
      return describeSignal([n, channel, text, sentAt]);
    },

    async wait({ executionId, work, for: target, deadline, fence }) {
      checkId(executionId);
      const channel = 'channel' in target ? target.channel : '';
      if ('channel' in target) checkChannel(channel);
      const children = 'children' in target ? target.children : [];
      const [outcome, ...signal] = (await wait(
        ...[executionId, work, channel, deadline ?? '', ...fenceArguments(fence)],
        ...children,
      )) as ['ok' | 'stale', ...(SignalRow | [])];
      if (outcome === 'stale') throw staleFence(fence as Fence);
      return signal.length === 0 ? null : describeSignal(signal);
    },

    ready: list.ready,
    nextDeadline: list.nextDeadline,

    waits(channel) {
      return list.all(channel === undefined ? 'waiting' : `waits-on:${channel}`);
    },

    async queued(channel) {
      const found: SignalRow[] = [];
      for (;;) {
        const set = channel === undefined ? 'queued' : `queue:${channel}`;
        const page = (await queued(set, found.at(-1)?.[0] ?? '0', QUEUED_PAGE)) as SignalRow[];
        found.push(...page);
        if (page.length < QUEUED_PAGE) return found.map(describeSignal);
      }
    },

    watch(listener) {
      const listeners = createReadyListeners();
      const forget = listeners.add(listener);
      const end = store.onNotify('ready', () => listeners.changed());
      const stop = () => {
        watching.delete(stop);
        forget();
        end();
      };
      watching.add(stop);
      return stop;
    },

    close() {
      for (const stop of watching) stop();
    },
  };
}

/** @throws FlatMachineError `backend` when it is damaged */
function describeSignal([n, channel, text, sent_at]: SignalRow): Signal {
  const signal_id = formatSignalId(Number(n));
  const data = unseal(text, `signal ${signal_id} on ${JSON.stringify(channel)}`);
  return { signal_id, channel, data, sent_at };
}
