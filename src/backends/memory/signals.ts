import { toJson } from '../../json.ts';
import { TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { JsonValue } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import type { Signal, SignalBackend, Wait, WaitRequest, WorkOver } from '../interfaces.ts';
import { checkChannel, checkId } from '../keys.ts';
import { formatSignalId } from '../signal-id.ts';
import { signalText } from '../signal-text.ts';
import { createChannels, type MemorySignal, type Receiver } from './channels.ts';
import { checkFence, type MemoryStore } from './store.ts';

interface MemoryWait extends Receiver {
  executionId: string;
  work: number;
  /** Null = it waits for children. */
  channel: string | null;
  children: readonly string[];
  deadline: number | null;
}

/** Signals of one process. */
export interface MemorySignals extends SignalBackend {
  /** Drops the waits of finished work, with what becomes of the signals they were given. */
  over(executionId: string, over: WorkOver): void;
  /** Ends everybody's watching. */
  close(): void;
}

/** Makes the signals of a memory store. */
export function createMemorySignals(store: MemoryStore): MemorySignals {
  /** In the order in which they began to wait. */
  const waits = new Set<MemoryWait>();
  const byExecution = new Map<string, MemoryWait[]>();
  const channels = createChannels<MemoryWait>();
  const watching = new Set<() => void>();
  let sent = 0;
  let closed = false;

  function register(executionId: string, work: number): MemoryWait {
    const known = byExecution.get(executionId) ?? [];
    const wait = { executionId, work, channel: null, children: [], deadline: null, signal: null };
    byExecution.set(executionId, [...known, wait]);
    waits.add(wait);
    return wait;
  }

  /** Makes an open wait what the request asks for, whatever it was before. */
  function turnTo(wait: MemoryWait, request: WaitRequest): void {
    const channel = 'channel' in request.for ? request.for.channel : null;
    wait.deadline = request.deadline;
    wait.children = 'children' in request.for ? [...request.for.children] : [];
    if (wait.signal === null && wait.channel !== channel) {
      if (wait.channel !== null) channels.leave(wait.channel, wait);
      if (channel !== null) channels.receive(channel, wait);
    }
    wait.channel = channel;
  }

  function drop(wait: MemoryWait, over: WorkOver): void {
    waits.delete(wait);
    if (wait.signal === null) {
      if (wait.channel !== null) channels.leave(wait.channel, wait);
    } else if (over.signal === 'returned' && wait.signal.given === 1) {
      channels.handOut(wait.signal);
    }
  }

  /** Whether nobody runs it, and nobody but a signal, a child or a deadline has to let it go on. */
  function parked({ executionId }: MemoryWait): boolean {
    const status = store.executions.get(executionId)?.newest.snapshot.status;
    return !store.leases.has(executionId) && (!status || status === 'waiting' || status === 'running');
  }

  function hasEnded(executionId: string): boolean {
    const status = store.executions.get(executionId)?.newest.snapshot.status;
    return status !== undefined && TERMINAL_STATUSES.has(status);
  }

  function isReady(wait: MemoryWait, now: number): boolean {
    if (wait.deadline !== null && wait.deadline <= now) return true;
    return wait.channel === null ? wait.children.some(hasEnded) : wait.signal !== null;
  }

  return {
    async send(channel, data) {
      checkChannel(channel);
      const signal: MemorySignal = {
        order: ++sent,
        channel,
        data: JSON.parse(signalText(data)) as JsonValue,
        sentAt: new Date().toISOString(),
        given: 0,
      };
      channels.handOut(signal);
      store.readyListeners.changed();
      return describeSignal(signal);
    },

    async wait(request) {
      const { executionId, work, fence } = request;
      checkId(executionId);
      if ('channel' in request.for) checkChannel(request.for.channel);
      if (fence) checkFence(store, fence);
      const known = byExecution.get(executionId)?.find((wait) => wait.work === work);
      const wait = known ?? register(executionId, work);
      turnTo(wait, request);
      store.readyListeners.changed();
      return wait.channel !== null && wait.signal !== null ? describeSignal(wait.signal) : null;
    },

    async ready(now, limit) {
      const found: Wait[] = [];
      for (const wait of waits) {
        if (found.length >= limit) break;
        if (isReady(wait, now) && parked(wait)) found.push(describeWait(wait));
      }
      return found;
    },

    async nextDeadline() {
      let earliest: number | null = null;
      for (const wait of waits) {
        const sooner = wait.deadline !== null && (earliest === null || wait.deadline < earliest);
        if (sooner && parked(wait)) earliest = wait.deadline;
      }
      return earliest;
    },

    async waits(channel) {
      return [...waits].filter((wait) => channel === undefined || wait.channel === channel).map(describeWait);
    },

    async queued(channel) {
      return channels.queued(channel).map(describeSignal);
    },

    watch(listener) {
      if (closed) throw storeClosed();
      const stop = store.readyListeners.add(listener);
      watching.add(stop);
      return () => {
        watching.delete(stop);
        stop();
      };
    },

    over(executionId, over) {
      const known = byExecution.get(executionId);
      if (known === undefined) return;
      const later = known.filter((wait) => wait.work > over.work);
      if (later.length > 0) byExecution.set(executionId, later);
      else byExecution.delete(executionId);
      for (const wait of known) if (wait.work <= over.work) drop(wait, over);
      store.readyListeners.changed();
    },

    close() {
      closed = true;
      for (const stop of watching) stop();
    },
  };
}

function describeSignal({ order, channel, data, sentAt }: MemorySignal): Signal {
  return { signal_id: formatSignalId(order), channel, data: toJson(data), sent_at: sentAt };
}

function describeWait({ executionId, work, channel, deadline, signal }: MemoryWait): Wait {
  const signalId = signal && formatSignalId(signal.order);
  return { execution_id: executionId, work, channel, deadline, signal_id: signalId };
}
