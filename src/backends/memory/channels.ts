import type { JsonValue } from '../../types.ts';

/** A signal with what has become of it. */
export interface MemorySignal {
  readonly order: number;
  readonly channel: string;
  readonly data: JsonValue;
  readonly sentAt: string;
  /** How many waits have been given it, ever; those that gave it back to the queue do not count. */
  given: number;
}

/** Something that can be given a signal. */
export interface Receiver {
  signal: MemorySignal | null;
}

/** Queues of signals and the waits for them. On no channel are there both. */
export interface Channels<R extends Receiver> {
  /** Gives a signal to everybody who waits on its channel, or puts it in its place in the queue. */
  handOut(signal: MemorySignal): void;
  /** Gives the receiver the head of the queue, or lets it wait. */
  receive(channel: string, receiver: R): void;
  /** Ends the waiting of a receiver that has been given nothing. */
  leave(channel: string, receiver: R): void;
  /** Signals that nobody has been given, oldest first. */
  queued(channel: string | undefined): MemorySignal[];
}

/** Makes channels without anything on them. */
export function createChannels<R extends Receiver>(): Channels<R> {
  const queues = new Map<string, MemorySignal[]>();
  const receivers = new Map<string, Set<R>>();

  function enqueue(signal: MemorySignal): void {
    const queue = queues.get(signal.channel) ?? [];
    queues.set(signal.channel, queue);
    const later = queue.findIndex((other) => other.order > signal.order);
    queue.splice(later === -1 ? queue.length : later, 0, signal);
  }

  return {
    handOut(signal) {
      const waiting = receivers.get(signal.channel);
      receivers.delete(signal.channel);
      signal.given = waiting?.size ?? 0;
      for (const receiver of waiting ?? []) receiver.signal = signal;
      if (signal.given === 0) enqueue(signal);
    },
    receive(channel, receiver) {
      const queue = queues.get(channel);
      const head = queue?.shift();
      if (queue?.length === 0) queues.delete(channel);
      if (head) {
        head.given = 1;
        receiver.signal = head;
      } else {
        const waiting = receivers.get(channel) ?? new Set<R>();
        receivers.set(channel, waiting.add(receiver));
      }
    },
    leave(channel, receiver) {
      const waiting = receivers.get(channel);
      waiting?.delete(receiver);
      if (waiting?.size === 0) receivers.delete(channel);
    },
    queued(channel) {
      if (channel !== undefined) return [...(queues.get(channel) ?? [])];
      return [...queues.values()].flat().sort((a, b) => a.order - b.order);
    },
  };
}
