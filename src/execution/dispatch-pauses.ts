/**
 * Why an execution that is ready is left alone for a while. `busy`: somebody else runs it. `again`: it has just run, and may be ready with the same work
 * soon. `stuck`: it could not be resumed, or is ready again though it should not be.
 */
export type PauseCause = 'busy' | 'again' | 'stuck';

/** First and longest pause of each cause, milliseconds. Each is twice the one before. */
const SPANS: Readonly<Record<PauseCause, readonly [first: number, longest: number]>> = {
  busy: [20, 2_000],
  // A parent whose children end one after another: the longer that goes on, the more of them it takes at a time.
  again: [5, 1_000],
  stuck: [1_000, 60_000],
};

/** For how long after its pause the next one of an execution counts as one more, milliseconds; at least as long as the pause was. */
const LINGER_MS = 1_000;

/** After so many pauses in a row it is not worth waiting for any more, for who wants to come to an end. */
const PATIENCE = 7;

interface Entry {
  cause: PauseCause;
  work: number | null;
  count: number;
  /** On the monotonic clock, milliseconds. */
  until: number;
  /** When it is forgotten. */
  lingers: number;
}

/** Executions that are ready but are to be tried again later only, each after a pause that grows. */
export class DispatchPauses {
  readonly #entries = new Map<string, Entry>();

  /** How many are left alone now. What is long over is forgotten. */
  held(now: number): number {
    let held = 0;
    for (const [id, { until, lingers }] of this.#entries) {
      if (until > now) held++;
      else if (lingers <= now) this.#entries.delete(id);
    }
    return held;
  }

  /**
   * Leaves an execution alone for a while.
   * @param work the `work_step` it was ready with: another one is not held back
   * @param now monotonic, milliseconds
   * @returns the length of the pause, milliseconds
   */
  add(executionId: string, cause: PauseCause, work: number | null, now: number): number {
    const before = this.#entries.get(executionId);
    const count = before?.cause === cause && before.work === work ? before.count + 1 : 0;
    const [first, longest] = SPANS[cause];
    const span = Math.min(longest, first * 2 ** count);
    const until = now + span;
    this.#entries.set(executionId, { cause, work, count, until, lingers: until + Math.max(LINGER_MS, span) });
    return span;
  }

  /** Whether it is to be left alone with this work now. */
  holds(executionId: string, work: number | null, now: number): boolean {
    const entry = this.#entries.get(executionId);
    return entry !== undefined && entry.work === work && entry.until > now;
  }

  /**
   * When the first pause under way ends, on the monotonic clock; Infinity if there is none.
   * @param impatient leaves out those that are stuck or have been waited for in vain too often
   */
  next(now: number, impatient = false): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { until, cause, count } of this.#entries.values()) {
      if (until <= now || until >= next) continue;
      if (impatient && (cause === 'stuck' || count >= PATIENCE)) continue;
      next = until;
    }
    return next;
  }
}
