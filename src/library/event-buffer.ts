import { type ExecutionEvent, STORED_EVENTS } from '../events.ts';

/** Events that wait while nobody reads. */
const MAX_UNREAD = 1024;

/** Events that wait for a reader: more than a run in memory makes between two turns of the event loop, when a reader that keeps up gets at them. */
const MAX_WAITING = 32_768;

/** Characters of live output that wait. */
const MAX_TEXT = 16 * 1024 * 1024;

interface Waiting {
  readonly order: number;
  readonly event: ExecutionEvent;
}

/** A queue whose `shift` does not move what stays: arrays of this size would. */
class Fifo {
  #items: (Waiting | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): Waiting | undefined {
    return this.#items[this.#head];
  }

  push(item: Waiting): void {
    this.#items.push(item);
  }

  shift(): Waiting | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > 1000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** Events between a run that never waits and a reader that may be slow: bounded, the oldest live-only ones give way first. */
export class EventBuffer {
  /** How many gave way. */
  readonly dropped = { live: 0, stored: 0 };
  /** Whether somebody reads: then more may wait. */
  read = false;
  readonly #live = new Fifo();
  readonly #stored = new Fifo();
  #text = 0;
  #order = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  /** Takes an event, never waits. What comes after {@link end} is not taken. */
  add(event: ExecutionEvent): void {
    if (this.#ended) return;
    const queue = STORED_EVENTS.has(event.type) ? this.#stored : this.#live;
    queue.push({ order: this.#order++, event });
    this.#text += textOf(event);
    while (this.#overfull) this.#drop();
    this.#wake?.();
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The oldest event that waits, or the next one; null after the last. For one reader at a time. */
  async next(): Promise<ExecutionEvent | null> {
    for (;;) {
      const event = this.#take();
      if (event !== null || this.#ended) return event;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  get #overfull(): boolean {
    const waiting = this.#live.size + this.#stored.size;
    return waiting > (this.read ? MAX_WAITING : MAX_UNREAD) || (this.#text > MAX_TEXT && this.#live.size > 1);
  }

  #take(): ExecutionEvent | null {
    const live = this.#live.first?.order ?? Number.POSITIVE_INFINITY;
    const stored = this.#stored.first?.order ?? Number.POSITIVE_INFINITY;
    const event = (live < stored ? this.#live : this.#stored).shift()?.event ?? null;
    if (event !== null) this.#text -= textOf(event);
    return event;
  }

  #drop(): void {
    const kind = this.#live.size > 0 ? 'live' : 'stored';
    const gone = (kind === 'live' ? this.#live : this.#stored).shift();
    if (gone !== undefined) this.#text -= textOf(gone.event);
    this.dropped[kind]++;
  }
}

/** Only live output can be long: what is stored is bounded where it is made. */
function textOf(event: ExecutionEvent): number {
  return event.type === 'command_output' || event.type === 'agent_output' ? event.text.length : 0;
}
