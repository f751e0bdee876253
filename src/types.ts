/** A value that JSON can hold. Everything the engine stores or hands across a border is one. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON map. Only own properties count; keys such as `__proto__` are ordinary data. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** What a plug-in may give back: the value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** A place in a file. Lines and columns count from 1; columns are UTF-16 units. */
export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

/** Injected time, so that a run can be replayed in a test. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump; used for records and persisted deadlines only. */
  now(): number;
  /** Monotonic milliseconds since this host booted, comparable between its processes. Used for leases and waits. */
  monotonic(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
};
