import { FlatMachineError } from '../errors.ts';
import type { ExecutionEvent } from '../events.ts';
import { EventBuffer } from './event-buffer.ts';

/** What a {@link RunHandle} is made of. */
export interface RunHandleParts<Result> {
  /** The execution's id. */
  id: string;
  /** Starts the run. What it is given: who is told of events, and what interrupts the run when it aborts. */
  start: (onEvent: (event: ExecutionEvent) => void, signal: AbortSignal) => Promise<Result>;
  /** Stores a request to cancel the execution. */
  cancel: () => Promise<void>;
  /** Interrupts the run as well. */
  signal?: AbortSignal | undefined;
  /** Told of every event as well, before the iterator. Must not throw. */
  onEvent?: ((event: ExecutionEvent) => void) | undefined;
}

/**
 * An execution under way.
 *
 * `for await (const event of run)` gives its events, those of its children too, to one reader at a time; it ends with the run, and throws what
 * the run throws. The reader never holds up the run, and so may miss some: 32,768 events wait for it, 1,024 while there is no reader yet, and of live output no more than
 * 16 Mi characters. Beyond that the oldest live-only event is dropped (`state_enter`, `command_output`, …), and one that is stored with its step
 * (`STORED_EVENTS`) only when nothing but stored ones waits. {@link dropped} counts both; `flatmachine logs` has the stored ones.
 */
export class RunHandle<Result> implements AsyncIterable<ExecutionEvent> {
  /** The execution's id. */
  readonly id: string;
  /** What the execution came to. Rejects as `FlatMachine.execute` does. */
  readonly result: Promise<Result>;
  readonly #events = new EventBuffer();
  readonly #interrupt = new AbortController();
  readonly #cancel: () => Promise<void>;

  constructor({ id, start, cancel, signal, onEvent }: RunHandleParts<Result>) {
    this.id = id;
    this.#cancel = cancel;
    const stop = () => this.interrupt();
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    const tell = (event: ExecutionEvent) => {
      onEvent?.(event);
      this.#events.add(event);
    };
    this.result = (async () => start(tell, this.#interrupt.signal))().finally(() => {
      signal?.removeEventListener('abort', stop);
      this.#events.end();
    });
  }

  /** Events that no reader has seen because it was too slow. */
  get dropped(): Readonly<{ live: number; stored: number }> {
    return this.#events.dropped;
  }

  /** Stops the run at the next safe point; its status is then `interrupted`, and it can be resumed. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  /** Asks for the execution's end as `cancelled`, with everything below it. Resolves once the request is stored; {@link result} tells when it was heeded. */
  cancel(): Promise<void> {
    return this.#cancel();
  }

  /** The events so far and to come. @throws FlatMachineError `usage` while another reader is at it */
  async *[Symbol.asyncIterator](): AsyncGenerator<ExecutionEvent, void, undefined> {
    if (this.#events.read)
      throw new FlatMachineError('usage', `the events of "${this.id}" are being read already`);
    this.#events.read = true;
    // Thrown to the reader below.
    this.result.catch(() => {});
    try {
      for (let event = await this.#events.next(); event !== null; event = await this.#events.next())
        yield event;
    } finally {
      this.#events.read = false;
    }
    await this.result;
  }
}
