import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SaveOptions } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, toError } from '../errors.ts';
import type { ExecutionStatus } from '../events.ts';
import type { CompiledState } from '../machine/interfaces.ts';
import { type FailureRecord, type MachineSnapshot, stepKey } from '../machine/snapshot.ts';
import type { Budget } from './budget.ts';
import { contextAfterError, failureRecord, recoveryState } from './failure.ts';
import type { Held } from './hold.ts';
import { contextForHook } from './hook-calls.ts';
import type { WorkJournal } from './journal.ts';
import type { Launches } from './launches.ts';
import { Pause, type PauseReason } from './pause.ts';
import type { ExecutionSetup } from './setup.ts';
import { doStep, type StepResult } from './step.ts';
import { type Change, nextRecord } from './step-record.ts';
import { machineFacts, type StepWork } from './step-work.ts';

/** A run keeps the event loop to itself for at most about this long, milliseconds. */
const TURN_MS = 10;

/** How many steps pass between two looks at the clock for {@link TURN_MS}. */
const TURN_STEPS = 256;

/** What a run works with. */
export interface RunParts {
  setup: ExecutionSetup;
  held: Held;
  journal: WorkJournal;
  budget: Budget;
  launches: Launches;
}

/**
 * One execution under way: state after state, each ended by one atomic commit. What is in memory is never ahead of
 * the store by more than the step in hand.
 */
export class Run {
  readonly #parts: RunParts;
  readonly #maxSteps: number;
  readonly #keep: number | null;
  #snapshot: MachineSnapshot;
  #stepBegun = false;

  /** @param snapshot the last committed record */
  constructor(parts: RunParts, snapshot: MachineSnapshot) {
    this.#parts = parts;
    this.#snapshot = snapshot;
    const { machine, maxSteps } = parts.setup;
    this.#maxSteps = maxSteps ?? machine.settings.max_steps;
    const { keep } = machine.persistence;
    this.#keep = keep === 'all' ? Number.POSITIVE_INFINITY : keep;
  }

  /** Runs until the execution ends, is stopped, or reaches its limit. @throws LeaseLostError, StepConflictError, BackendError: nothing more may be written */
  async toEnd(): Promise<MachineSnapshot> {
    const { stop } = this.#parts.held;
    let turnEnds = performance.now() + TURN_MS;
    while (this.#snapshot.next_state !== null && this.#snapshot.status !== 'failed') {
      if (stop.reason !== null) return this.#stopped(stop.reason);
      if (this.#snapshot.step >= this.#maxSteps || !this.#parts.budget.beginStep()) return this.#limited();
      this.#stepBegun = true;
      try {
        await this.#step(this.#snapshot.next_state);
      } finally {
        this.#endStep();
      }
      if (this.#snapshot.status !== 'running') return this.#snapshot;
      if (this.#snapshot.step % TURN_STEPS === 0 && performance.now() > turnEnds) {
        stop.watch();
        await nextTurn();
        turnEnds = performance.now() + TURN_MS;
      }
    }
    return this.#snapshot;
  }

  #endStep(): void {
    if (!this.#stepBegun) return;
    this.#stepBegun = false;
    this.#parts.budget.endStep();
  }

  async #step(name: string): Promise<void> {
    const { machine } = this.#parts.setup;
    const state = machine.states.get(name);
    if (state === undefined) throw new FlatMachineError('unknown-state', `there is no state "${name}"`);
    const step = this.#snapshot.step + 1;
    this.#parts.held.recorder.enter(step, name);
    let result: StepResult;
    try {
      crashPoint('step.before-work');
      result = await doStep(this.#work(state, step));
      crashPoint('step.after-work');
    } catch (thrown) {
      return this.#failed(state, step, toError(thrown));
    }
    await this.#succeeded(state, result);
  }

  #work(state: CompiledState, step: number): StepWork {
    const { setup, held, journal, budget, launches } = this.#parts;
    const hooks = held.hooks.forState(state.name);
    return { setup, held, journal, budget, hooks, launches, state, step, snapshot: this.#snapshot };
  }

  async #succeeded(state: CompiledState, result: StepResult): Promise<void> {
    if (result.to === null) {
      await this.#commit({
        state: state.name,
        status: 'completed',
        next_state: null,
        context: result.context,
        output: result.output,
      });
      return;
    }
    await this.#commit({
      state: state.name,
      status: this.#statusAfterStep(),
      next_state: result.to,
      context: result.context,
    });
  }

  #statusAfterStep(): ExecutionStatus {
    if (this.#parts.held.stop.reason?.code === 'interrupted') return 'interrupted';
    return this.#snapshot.step + 1 >= this.#maxSteps ? 'limit' : 'running';
  }

  async #failed(state: CompiledState, step: number, error: Error): Promise<void> {
    const { stop, recorder } = this.#parts.held;
    if (stop.reason !== null && (error === stop.reason || stop.reason.code === 'lease-lost')) {
      await this.#stopped(stop.reason);
      return;
    }
    if (error instanceof Pause) {
      if (stop.reason === null) await this.#paused(state, error.reason);
      else await this.#stopped(stop.reason);
      return;
    }
    let cause = error;
    let to: string | null = null;
    try {
      to = recoveryState(state, error) ?? (await this.#askHook(state, step, error));
    } catch (thrown) {
      cause = toError(thrown);
    }
    const record = failureRecord(cause, state.name, step);
    recorder.emit({ type: 'error', ...errorFacts(record), ...(to === null ? {} : { to }) });
    const context = contextAfterError(this.#snapshot.context, record);
    if (to !== null) {
      await this.#commit({ state: state.name, status: this.#statusAfterStep(), next_state: to, context });
    } else {
      await this.#commit({
        state: state.name,
        status: 'failed',
        next_state: state.name,
        context,
        error: record,
      });
    }
  }

  async #askHook(state: CompiledState, step: number, error: Error): Promise<string | null> {
    const { machine } = this.#parts.setup;
    const hooks = this.#parts.held.hooks.forState(state.name);
    if (hooks.onError === undefined) return null;
    const facts = machineFacts(machine, this.#snapshot, state.name, step);
    const to = await hooks.onError(state.name, error, contextForHook(this.#snapshot.context, facts));
    if (to === null || to === undefined) return null;
    if (!machine.states.has(to)) {
      throw new FlatMachineError('unknown-state', `onError named "${to}", which is no state`, {
        cause: error,
      });
    }
    return to;
  }

  /** Ends the run without having done the next state's work, which an interruption carries over under the same identity. */
  async #stopped(reason: FlatMachineError): Promise<MachineSnapshot> {
    if (reason.code === 'lease-lost') {
      this.#parts.held.recorder.emit({ type: 'lease_lost', reason: reason.message });
      throw reason;
    }
    const { context, next_state, current_state, work_step } = this.#snapshot;
    const state = next_state ?? current_state;
    if (reason.code === 'cancelled') {
      await this.#commit({ state, status: 'cancelled', next_state: null, context });
    } else {
      await this.#commit({ state, status: 'interrupted', next_state, context, work_step });
    }
    return this.#snapshot;
  }

  /** Parks the execution in the middle of a state's work, which keeps its identity and what it has done. */
  async #paused(state: CompiledState, reason: PauseReason): Promise<void> {
    if (reason.status === 'limit') {
      this.#parts.held.recorder.emit({ type: 'log', level: 'warn', message: `stopped: ${reason.message}` });
      await this.#limited();
      return;
    }
    const { context, next_state, work_step, deadline, status, waiting_channel } = this.#snapshot;
    const { recorder } = this.#parts.held;
    recorder.emit({
      type: 'waiting',
      ...(reason.channel === null ? {} : { channel: reason.channel }),
      ...(deadline === undefined ? {} : { deadline }),
    });
    // A resume that found nothing new to do leaves the record of the first park.
    if (status === 'waiting' && waiting_channel === (reason.channel ?? undefined) && !recorder.holds) return;
    await this.#commit({
      state: state.name,
      status: 'waiting',
      next_state,
      context,
      work_step,
      ...(reason.channel === null ? {} : { waiting_channel: reason.channel }),
    });
  }

  /** A run that is at its limit: nothing more runs; the next state's work keeps its identity. */
  async #limited(): Promise<MachineSnapshot> {
    const { context, next_state, current_state, work_step, status } = this.#snapshot;
    if (status === 'limit') return this.#snapshot;
    await this.#commit({ state: current_state, status: 'limit', next_state, context, work_step });
    return this.#snapshot;
  }

  /** The one write that ends a step. */
  async #commit(change: Change): Promise<void> {
    const { held, setup, journal } = this.#parts;
    const { recorder, lease } = held;
    const carried = change.work_step !== undefined;
    if (!carried) {
      this.#endStep();
      this.#parts.budget.addStep();
    }
    const snapshot = nextRecord(this.#snapshot, change, this.#parts);
    const options: SaveOptions = { events: recorder.take() };
    if (lease !== null) options.fence = lease;
    if (this.#keep !== null) options.keep = this.#keep;
    if (!carried && journal.used)
      options.over = { work: journal.work, signal: this.#signalAfter(change.status) };
    crashPoint('step.before-commit');
    await setup.backends.persistence.save(stepKey(snapshot.execution_id, snapshot.step), snapshot, options);
    this.#snapshot = snapshot;
    if (!carried) journal.begin(snapshot.work_step);
    crashPoint('step.after-commit');
    if (recorder.live) {
      recorder.emit({ type: 'step_commit', status: snapshot.status, next_state: snapshot.next_state });
    }
  }

  /** A signal that this work was given is used up, unless the work came to nothing: then the next that waits on its channel gets it. */
  #signalAfter(status: ExecutionStatus): 'consumed' | 'returned' {
    const failed = status === 'failed' || status === 'cancelled';
    return failed || !this.#parts.journal.tookSignal ? 'returned' : 'consumed';
  }
}

function errorFacts(record: FailureRecord) {
  return { error_type: record.error_type, code: record.code, message: record.message };
}
