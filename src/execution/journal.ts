import type { Fence, JournalBackend } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { JsonValue } from '../types.ts';

/** What one piece of work has done already. */
export interface Journal {
  /** The entry, or undefined. */
  get(key: string): JsonValue | undefined;
  /** All entries so far, in the order they were added. */
  entries(): Iterable<readonly [key: string, value: JsonValue]>;
  /** Adds an entry; it is durable when the promise resolves. Keys are write-once. */
  put(key: string, value: JsonValue): Promise<void>;
  /** Whether the events of this entry are stored already, with a record that parked or interrupted the work after it. */
  told(key: string): boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

/** The journal of an execution's work in hand. Costs nothing until something is put into it, save one read when a run takes up what another left. */
export class WorkJournal implements Journal {
  readonly #backend: JournalBackend;
  readonly #executionId: string;
  readonly #fence: Fence | null;
  readonly #entries = new Map<string, JsonValue>();
  #work = 0;
  #used = false;
  #tookSignal = false;
  #told: ReadonlySet<string> = NOTHING;

  constructor(backend: JournalBackend, executionId: string, fence: Fence | null) {
    this.#backend = backend;
    this.#executionId = executionId;
    this.#fence = fence;
  }

  /** The `work_step` of the work in hand. */
  get work(): number {
    return this.#work;
  }

  /** Whether the store may hold anything of this work that has to go when it is over. */
  get used(): boolean {
    return this.#used;
  }

  /**
   * Takes up a piece of work that an earlier run may have begun.
   * @param told how many entries it had when its events were last stored
   */
  async open(work: number, told: number): Promise<void> {
    this.begin(work);
    for (const [key, value] of await this.#backend.entries(this.#executionId, work)) {
      this.#entries.set(key, value);
    }
    this.#told = new Set([...this.#entries.keys()].slice(0, told));
    this.#used = true;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Begins a piece of work that nobody can have begun before. */
  begin(work: number): void {
    if (this.#entries.size > 0) this.#entries.clear();
    this.#work = work;
    this.#used = false;
    this.#tookSignal = false;
    this.#told = NOTHING;
  }

  /** The work waits, or has waited, for a signal: the store holds that until the work is over. */
  waits(tookSignal: boolean): void {
    this.#used = true;
    this.#tookSignal ||= tookSignal;
  }

  /** Whether the work was given a signal. */
  get tookSignal(): boolean {
    return this.#tookSignal;
  }

  told(key: string): boolean {
    return this.#told.has(key);
  }

  entries(): Iterable<readonly [string, JsonValue]> {
    return this.#entries;
  }

  get(key: string): JsonValue | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(key);
  }

  async put(key: string, value: JsonValue): Promise<void> {
    if (this.#entries.has(key)) {
      throw new FlatMachineError(
        'step-conflict',
        `the journal of ${this.#executionId}.${this.#work} has "${key}" already`,
      );
    }
    const copy = toJson(value, `journal entry ${key}`);
    this.#used = true;
    this.#entries.set(key, copy);
    await this.#backend.append(this.#executionId, this.#work, key, copy, this.#fence);
  }
}
