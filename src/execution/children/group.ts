import { setMaxListeners } from 'node:events';
import { crashPoint } from '../../crash-points.ts';
import { FlatMachineError, isFlatMachineError } from '../../errors.ts';
import { TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import { Pause } from '../pause.ts';
import { runChild } from './child.ts';
import { type ChildEnd, type ChildOutcome, outcomeOf } from './outcome.ts';
import type { PlannedChild } from './plan.ts';
import type { Standing } from './stock.ts';
import type { ChildrenWork } from './work.ts';

/** Whether work that stops for this reason is over for good, and its children with it. */
function endsWork(reason: unknown): boolean {
  return isFlatMachineError(reason, 'timeout', 'cancelled');
}

/** Whether work that stops for this reason is carried over to whoever resumes the execution, children and all. */
export function isTakenUpAgain(error: unknown): boolean {
  return (
    error instanceof Pause ||
    isFlatMachineError(error, 'interrupted', 'lease-lost', 'step-conflict', 'backend')
  );
}

/** How a group of children ended. */
export interface GroupEnd {
  /** By place in the plan; of `any`, only those that had ended by then. */
  outcomes: ChildOutcome[];
  /** Place of the first success, for `any`; else null. */
  winner: number | null;
}

/** Children that run side by side, a bounded number at once. */
export class ChildGroup {
  readonly #work: ChildrenWork;
  readonly #plan: readonly PlannedChild[];
  readonly #standings: readonly (Standing | null)[];
  readonly #outcomes: ChildOutcome[] = [];
  readonly #interrupt = new AbortController();
  readonly #cancel = new AbortController();
  readonly #parked: string[] = [];
  #next = 0;
  #limited: string | null = null;
  #winner: number | null = null;
  #failure: unknown = null;

  /** @param standings where those stand that an earlier run has begun */
  constructor(work: ChildrenWork, plan: readonly PlannedChild[], standings: readonly (Standing | null)[]) {
    this.#work = work;
    this.#plan = plan;
    this.#standings = standings;
    // Every child listens to them.
    setMaxListeners(0, this.#interrupt.signal, this.#cancel.signal);
  }

  /**
   * Runs them to their ends.
   * @throws Pause when some of them park or reach a limit, after all others have ended; the reason of the work's signal; what kept a child from being run
   */
  async run(atOnce: number): Promise<GroupEnd> {
    const { signal } = this.#work.call;
    const stop = () => (endsWork(signal.reason) ? this.#cancel : this.#interrupt).abort(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    try {
      const lanes = Math.min(atOnce, this.#plan.length);
      await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (this.#winner === null) {
      if (this.#failure !== null) throw this.#failure;
      signal.throwIfAborted();
      await this.#pause();
    }
    return { outcomes: this.#outcomes, winner: this.#winner };
  }

  async #lane(): Promise<void> {
    while (this.#next < this.#plan.length && !this.#over) {
      const index = this.#next++;
      try {
        const standing = this.#standings[index];
        this.#ended(index, standing?.atRest ? standing.end : await this.#one(index));
      } catch (error) {
        if (this.#over) return;
        this.#failure = error;
        // Without them the state cannot end well: those under way are not wanted any more, or wait for the next run.
        (isTakenUpAgain(error) ? this.#interrupt : this.#cancel).abort(error);
      }
    }
  }

  /** Whether no further child is to start. */
  get #over(): boolean {
    return this.#winner !== null || this.#failure !== null || this.#work.call.signal.aborted;
  }

  async #one(index: number): Promise<ChildEnd> {
    const work = this.#work;
    const child = this.#plan[index]!;
    const id = work.idOf(index);
    const stops = { interrupt: this.#interrupt.signal, cancel: this.#cancel.signal };
    work.call.emit({ type: 'child_start', child: id, machine: child.machine, resumed: !work.fresh });
    const result = await runChild(work.setupOf(child.machine, id, stops), child.input, {
      parentId: work.call.executionId,
      fresh: work.fresh,
      onStored: () => crashPoint('child.started'),
    });
    crashPoint('child.ended');
    work.call.emit({ type: 'child_end', child: id, status: result.status });
    return result;
  }

  #ended(index: number, result: ChildEnd): void {
    if (!TERMINAL_STATUSES.has(result.status)) {
      if (result.status === 'waiting') this.#parked.push(result.execution_id);
      else if (result.status === 'limit') this.#limited ??= result.execution_id;
      else throw new FlatMachineError('interrupted', `the child ${result.execution_id} was interrupted`);
      return;
    }
    const outcome = outcomeOf(result);
    this.#outcomes[index] = outcome;
    if (this.#work.mode !== 'any' || outcome.error !== undefined || this.#winner !== null) return;
    this.#winner = index;
    this.#cancel.abort(new FlatMachineError('cancelled', 'another child was the first to succeed'));
  }

  /** With nobody left running: waits for those that park. Where all have to end, one is enough to wake the parent: the last, which mostly ends last. */
  async #pause(): Promise<void> {
    if (this.#limited !== null) {
      throw new Pause({ status: 'limit', message: `the child ${this.#limited} has reached its limit` });
    }
    if (this.#parked.length === 0) return;
    const { mode } = this.#work;
    await this.#work.waitFor(mode === 'any' ? this.#parked : this.#parked.slice(-1));
    throw new Pause({ status: 'waiting', channel: null });
  }
}
