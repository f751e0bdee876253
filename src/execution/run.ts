import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BackendSet, Fence } from '../backends/interfaces.ts';
import { crashPoint } from '../crash-points.ts';
import { FlatMachineError, toError } from '../errors.ts';
import type { ExecutionStatus } from '../events.ts';
import type { CompiledMachine, CompiledState } from '../machine/interfaces.ts';
import { type FailureRecord, type MachineSnapshot, stepKey } from '../machine/snapshot.ts';
import type { Clock } from '../types.ts';
import { contextAfterError, failureRecord, recoveryState } from './failure.ts';
import { contextForHook } from './hook-calls.ts';
import type { MachineHooks } from './interfaces.ts';
import type { EventRecorder } from './recorder.ts';
import { doStep, machineFacts, type StepResult, type StepWork } from './step.ts';
import type { StopSource } from './stop.ts';

/** A run keeps the event loop to itself for at most about this long, milliseconds. */
const TURN_MS = 10;

/** How many steps pass between two looks at the clock for {@link TURN_MS}. */
const TURN_STEPS = 256;

/** What a run works with. */
export interface RunParts {
  machine: CompiledMachine;
  hooks: MachineHooks;
  backends: BackendSet;
  clock: Clock;
  recorder: EventRecorder;
  stop: StopSource;
  fence: Fence | null;
  maxSteps: number;
  /** How many newest steps stay stored; null = the store's cap. */
  keep: number | null;
}

/** What a step's record changes against the one before. */
type Change = Pick<MachineSnapshot, 'status' | 'next_state' | 'context'> &
  Partial<Pick<MachineSnapshot, 'output' | 'error' | 'work_step'>> & { state: string };

/**
 * One execution under way: state after state, each ended by one atomic commit. What is in memory is never ahead of
 * the store by more than the step in hand.
 */
export class Run {
  readonly #parts: RunParts;
  #snapshot: MachineSnapshot;

  /** @param snapshot the last committed record */
  constructor(parts: RunParts, snapshot: MachineSnapshot) {
    this.#parts = parts;
    this.#snapshot = snapshot;
  }

  /** The last committed record. */
  get snapshot(): MachineSnapshot {
    return this.#snapshot;
  }

  /** Runs until the execution ends, is stopped, or reaches its limit. @throws LeaseLostError, StepConflictError, BackendError: nothing more may be written */
  async toEnd(): Promise<MachineSnapshot> {
    const { stop, maxSteps } = this.#parts;
    let turnEnds = performance.now() + TURN_MS;
    while (this.#snapshot.next_state !== null && this.#snapshot.status !== 'failed') {
      if (stop.reason !== null) return this.#stopped(stop.reason);
      if (this.#snapshot.step >= maxSteps) return this.#limited();
      await this.#step(this.#snapshot.next_state);
      if (this.#snapshot.status !== 'running') return this.#snapshot;
      if (this.#snapshot.step % TURN_STEPS === 0 && performance.now() > turnEnds) {
        await nextTurn();
        turnEnds = performance.now() + TURN_MS;
      }
    }
    return this.#snapshot;
  }

  async #step(name: string): Promise<void> {
    const state = this.#parts.machine.states.get(name);
    if (state === undefined) throw new FlatMachineError('unknown-state', `there is no state "${name}"`);
    const step = this.#snapshot.step + 1;
    this.#parts.recorder.enter(step, name);
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
    const { machine, hooks, clock, recorder, stop, fence } = this.#parts;
    return { machine, hooks, clock, recorder, stop, fence, state, step, snapshot: this.#snapshot };
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
    const { stop, maxSteps } = this.#parts;
    if (stop.reason?.code === 'interrupted') return 'interrupted';
    return this.#snapshot.step + 1 >= maxSteps ? 'limit' : 'running';
  }

  async #failed(state: CompiledState, step: number, error: Error): Promise<void> {
    const { stop } = this.#parts;
    if (stop.reason !== null && (error === stop.reason || stop.reason.code === 'lease-lost')) {
      await this.#stopped(stop.reason);
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
    this.#parts.recorder.emit({ type: 'error', ...errorFacts(record), ...(to === null ? {} : { to }) });
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
    const { hooks, machine } = this.#parts;
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
      this.#parts.recorder.emit({ type: 'lease_lost', reason: reason.message });
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

  /** A run that is already at its limit: nothing runs; the next state's work keeps its identity. */
  async #limited(): Promise<MachineSnapshot> {
    const { context, next_state, current_state, work_step, status } = this.#snapshot;
    if (status === 'limit') return this.#snapshot;
    await this.#commit({ state: current_state, status: 'limit', next_state, context, work_step });
    return this.#snapshot;
  }

  /** The one write that ends a step. */
  async #commit(change: Change): Promise<void> {
    const { backends, fence, recorder, keep } = this.#parts;
    const snapshot = this.#next(change);
    crashPoint('step.before-commit');
    await backends.persistence.save(stepKey(snapshot.execution_id, snapshot.step), snapshot, {
      events: recorder.take(),
      ...(fence === null ? {} : { fence }),
      ...(keep === null ? {} : { keep }),
    });
    this.#snapshot = snapshot;
    crashPoint('step.after-commit');
    if (recorder.live) {
      recorder.emit({ type: 'step_commit', status: snapshot.status, next_state: snapshot.next_state });
    }
  }

  #next(change: Change): MachineSnapshot {
    const { fence, recorder } = this.#parts;
    const last = this.#snapshot;
    const step = last.step + 1;
    // Spelled out rather than spread: this runs once per step, and a literal of one shape is several times as fast.
    const snapshot: MachineSnapshot = {
      execution_id: last.execution_id,
      machine_name: last.machine_name,
      spec_version: last.spec_version,
      current_state: change.state,
      context: change.context,
      step,
      created_at: recorder.time(),
      total_api_calls: last.total_api_calls ?? 0,
      total_cost: last.total_cost ?? 0,
      status: change.status,
      next_state: change.next_state,
      work_step: change.work_step ?? step + 1,
      input: last.input,
      config_hash: last.config_hash,
      epoch: fence?.token ?? 0,
    };
    const deadline = this.#deadlineAfter(change);
    if (deadline !== undefined) snapshot.deadline = deadline;
    if (change.output !== undefined) snapshot.output = change.output;
    if (change.error !== undefined) snapshot.error = change.error;
    if (last.machine_file !== undefined) snapshot.machine_file = last.machine_file;
    if (last.options !== undefined) snapshot.options = last.options;
    if (last.parent_execution_id !== undefined) snapshot.parent_execution_id = last.parent_execution_id;
    if (last.depth !== undefined) snapshot.depth = last.depth;
    return snapshot;
  }

  /** Work that is carried over keeps its deadline; other work gets one if its state has a timeout. */
  #deadlineAfter({ next_state, work_step }: Change): number | undefined {
    if (work_step !== undefined) return this.#snapshot.deadline;
    const { machine, clock } = this.#parts;
    const timeout = next_state === null ? null : machine.states.get(next_state)?.timeout;
    return timeout == null ? undefined : clock.now() + timeout * 1000;
  }
}

function errorFacts(record: FailureRecord) {
  return { error_type: record.error_type, code: record.code, message: record.message };
}
