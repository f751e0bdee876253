import type { JsonValue } from '../../types.ts';
import type { Fence } from './locking.ts';

/** A message on a channel. */
export interface Signal {
  /** Sorts as text in the order of sending, per store. */
  signal_id: string;
  channel: string;
  data: JsonValue;
  /** ISO 8601 UTC. */
  sent_at: string;
}

/** What an execution waits for: a signal on a channel, or the end of any of some executions. */
export interface WaitRequest {
  executionId: string;
  /** The `work_step` that waits. */
  work: number;
  for: { channel: string } | { children: readonly string[] };
  /** Milliseconds since the epoch, or null. */
  deadline: number | null;
  fence: Fence | null;
}

/** A registered wait. */
export interface Wait {
  execution_id: string;
  work: number;
  /** null = it waits for children. */
  channel: string | null;
  deadline: number | null;
  /** The signal it was given and has not used up yet. */
  signal_id: string | null;
}

/**
 * Signals: durable messages on channels, first in, first out, each delivered once.
 *
 * A signal goes to **every** execution that waits on its channel at that moment (one that has been given a signal waits no more). When
 * nobody does, it is queued for the first that comes. What was given stays with the wait, across crashes, until the step that
 * uses it commits. Channels are 1–500 characters without control characters (`invalid-id`).
 */
export interface SignalBackend {
  /**
   * Stores a signal and hands it out; durable when the promise resolves.
   * @throws FlatMachineError `invalid-id`, `not-json`, `too-large` for more than 16 Mi characters of JSON
   */
  send(channel: string, data: JsonValue): Promise<Signal>;
  /**
   * The signal for this wait, taken from the head of the queue; or null, and the wait is registered. Atomic. Asked again for the same work it gives the same
   * signal, or keeps waiting, with the deadline of the newest request. Waits for children give null; the newest request says which, and a signal that
   * the work was given before stays with it.
   * @throws LeaseLostError if the fence is stale
   */
  wait(request: WaitRequest): Promise<Signal | null>;
  /**
   * Executions that can go on: one that was given a signal, whose deadline has passed, or a child of which has ended (and still is). Those that waited
   * longest first. Left out: those whose lease somebody alive holds, who is at work on them, and those that are at rest as `interrupted` or at a `limit`.
   * @param now milliseconds since the epoch
   */
  ready(now: number, limit: number): Promise<Wait[]>;
  /** The earliest deadline of the waits that {@link ready} does not leave out, milliseconds since the epoch, or null. */
  nextDeadline(): Promise<number | null>;
  /** Registered waits, by channel if one is given. */
  waits(channel?: string): Promise<Wait[]>;
  /** Signals that nobody has been given yet, oldest first. */
  queued(channel?: string): Promise<Signal[]>;
  /**
   * Calls `listener` soon after anything may have become ready, by this process or another; never for nothing for long. Not told: that a deadline has
   * come, or that the holder of a lease has died. Keeps no process alive. Returns what stops it.
   */
  watch(listener: () => void): () => void;
}
