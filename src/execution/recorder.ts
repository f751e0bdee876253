import { type EventDraft, type ExecutionEvent, STORED_EVENTS } from '../events.ts';
import type { Clock } from '../types.ts';

/** ISO text of a time, remembered: a run writes many records in one millisecond. */
function isoClock(clock: Clock): () => string {
  let last = Number.NaN;
  let text = '';
  return () => {
    const now = clock.now();
    if (now !== last) {
      last = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}

/** Turns drafts into events: fills in time, execution, step and state, tells the observer, and keeps what belongs to the step's record. */
export class EventRecorder {
  /** The time now, ISO 8601. */
  readonly time: () => string;
  readonly #executionId: string;
  readonly #observers: ((event: ExecutionEvent) => void)[] = [];
  #stored: ExecutionEvent[] = [];
  #step = 0;
  #state: string | null = null;

  constructor(executionId: string, clock: Clock, observe: ((event: ExecutionEvent) => void) | undefined) {
    this.time = isoClock(clock);
    this.#executionId = executionId;
    if (observe !== undefined) this.#observers.push(observe);
  }

  /** Tells one more listener of every event. */
  listen(observer: (event: ExecutionEvent) => void): void {
    this.#observers.push(observer);
  }

  /** Whether anybody listens: live-only events need not be made otherwise. */
  get live(): boolean {
    return this.#observers.length > 0;
  }

  /** What follows happens in this step and state. */
  enter(step: number, state: string | null): void {
    this.#step = step;
    this.#state = state;
  }

  /** Records one event. */
  emit(draft: EventDraft): void {
    const stored = STORED_EVENTS.has(draft.type);
    if (!stored && this.#observers.length === 0) return;
    const event: ExecutionEvent = {
      time: this.time(),
      execution_id: this.#executionId,
      step: this.#step,
      ...(this.#state === null ? {} : { state: this.#state }),
      ...draft,
    };
    if (stored) this.#stored.push(event);
    for (const observe of this.#observers) observe(event);
  }

  /** Whether there are events to store with a step. */
  get holds(): boolean {
    return this.#stored.length > 0;
  }

  /** The events to store with the step that ends now. */
  take(): readonly ExecutionEvent[] {
    const events = this.#stored;
    if (events.length > 0) this.#stored = [];
    return events;
  }
}
