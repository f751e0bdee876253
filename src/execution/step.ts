import type { Fence } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import { setOwn, toJson } from '../json.ts';
import type { CompiledMachine, CompiledState, MachineFacts, Scope } from '../machine/interfaces.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { Clock, JsonObject, JsonValue, MaybePromise } from '../types.ts';
import { WorkBound } from './bound.ts';
import {
  type ActionOutcome,
  actionOutcome,
  contextForHook,
  contextFromHook,
  handlesAction,
} from './hook-calls.ts';
import type { ActionCall, MachineHooks } from './interfaces.ts';
import type { EventRecorder } from './recorder.ts';
import type { StopSource } from './stop.ts';

/** One state's work and what it may use. */
export interface StepWork {
  machine: CompiledMachine;
  hooks: MachineHooks;
  clock: Clock;
  recorder: EventRecorder;
  stop: StopSource;
  fence: Fence | null;
  state: CompiledState;
  /** Number of the record this step will write. */
  step: number;
  /** The record before it. */
  snapshot: MachineSnapshot;
}

/** What a step came to. */
export interface StepResult {
  context: JsonObject;
  /** The state to go on with; null = the machine has ended. */
  to: string | null;
  /** The machine's result, when it has ended. */
  output: JsonValue;
}

/**
 * Does one state: enter hooks → action → output mapping → exit hooks → final output or transition. Writes nothing: the caller commits the result
 * as one record, or routes the error.
 */
export async function doStep(work: StepWork): Promise<StepResult> {
  const { state, recorder, snapshot, machine, hooks } = work;
  const facts = machineFacts(machine, snapshot, state.name, work.step);
  const started = recorder.live ? work.clock.monotonic() : 0;
  if (recorder.live) {
    recorder.emit({
      type: 'state_enter',
      ...(snapshot.deadline === undefined ? {} : { deadline: snapshot.deadline }),
    });
  }
  let context = snapshot.context;
  if (hooks.onStateEnter !== undefined) {
    const returned = await hooks.onStateEnter(state.name, contextForHook(context, facts));
    if (returned !== undefined) context = contextFromHook(returned, 'onStateEnter');
  }
  let output: JsonValue | undefined;
  if (state.action !== null) {
    const outcome = await act(work, facts, context, state.action);
    output = outcome.output;
    context = outcome.context ?? context;
  }
  if (state.outputToContext.length > 0) context = mapOutput(work, facts, context, output);
  let result = state.final ? finalOutput(work, facts, context, output) : output;
  if (hooks.onStateExit !== undefined) {
    const returned = await hooks.onStateExit(state.name, contextForHook(context, facts), result);
    if (returned !== undefined) result = toJson(returned, 'output from onStateExit');
  }
  if (recorder.live) recorder.emit({ type: 'state_exit', duration_ms: work.clock.monotonic() - started });
  if (state.final) return { context, to: null, output: await machineEnd(work, facts, context, result ?? {}) };
  return { context, to: await nextState(work, facts, context, result), output: null };
}

async function act(
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  action: string,
): Promise<ActionOutcome> {
  const { state, hooks, recorder } = work;
  if (!handlesAction(hooks, action)) {
    throw new FlatMachineError(
      'unhandled-action',
      `no hook handles the action "${action}" of state "${state.name}"`,
      {
        location: state.location,
      },
    );
  }
  const what = `action "${action}" of state "${state.name}"`;
  const bound = new WorkBound(work.stop, work.snapshot.deadline ?? null, work.clock);
  bound.assertTime(what);
  const scope = scopeOf(work, facts, context, undefined);
  const call = new Call(work, action, state.input === null ? {} : state.input(scope), bound);
  const started = recorder.live ? work.clock.monotonic() : 0;
  if (recorder.live) recorder.emit({ type: 'action_start', action });
  const returned = hooks.onAction?.(action, contextForHook(context, facts), call);
  const value = isPromise(returned) ? await bound.race(what, returned) : returned;
  if (recorder.live) {
    recorder.emit({ type: 'action_end', action, duration_ms: work.clock.monotonic() - started });
  }
  return actionOutcome(value);
}

/** The call as the hook sees it. Its signal is made only when asked for. */
class Call implements ActionCall {
  readonly action: string;
  readonly input: JsonObject;
  readonly state: string;
  readonly executionId: string;
  readonly step: number;
  readonly workId: string;
  readonly fence: Fence;
  readonly #bound: WorkBound;
  readonly #recorder: EventRecorder;

  constructor(work: StepWork, action: string, input: JsonObject, bound: WorkBound) {
    this.action = action;
    this.input = input;
    this.state = work.state.name;
    this.executionId = work.snapshot.execution_id;
    this.step = work.step;
    this.workId = `${this.executionId}.${work.snapshot.work_step}`;
    this.fence = work.fence ?? { key: this.executionId, token: 0 };
    this.#bound = bound;
    this.#recorder = work.recorder;
  }

  get signal(): AbortSignal {
    return this.#bound.signal;
  }

  get deadline(): number | null {
    return this.#bound.deadline;
  }

  emit(event: Parameters<ActionCall['emit']>[0]): void {
    this.#recorder.emit(event);
  }
}

function mapOutput(
  work: StepWork,
  facts: MachineFacts,
  before: JsonObject,
  output: JsonValue | undefined,
): JsonObject {
  const context = { ...before };
  const scope = scopeOf(work, facts, context, output);
  for (const [key, render] of work.state.outputToContext) setOwn(context, key, render(scope));
  return context;
}

function finalOutput(
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
): JsonValue | undefined {
  if (work.state.output === null) return output;
  return work.state.output(scopeOf(work, facts, context, output));
}

async function machineEnd(
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  output: JsonValue,
): Promise<JsonValue> {
  if (work.hooks.onMachineEnd === undefined) return output;
  const returned = await work.hooks.onMachineEnd(contextForHook(context, facts), output);
  return returned === undefined ? output : toJson(returned, 'output from onMachineEnd');
}

async function nextState(
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
): Promise<string> {
  const { state, hooks, machine, recorder } = work;
  const scope = scopeOf(work, facts, context, output);
  let to = state.transitions.find(({ condition }) => condition === null || condition(scope))?.to;
  if (to === undefined) {
    throw new FlatMachineError('no-transition', `no transition of state "${state.name}" matched`, {
      location: state.location,
    });
  }
  if (hooks.onTransition !== undefined) {
    to = (await hooks.onTransition(state.name, to, contextForHook(context, facts))) ?? to;
    if (!machine.states.has(to)) {
      throw new FlatMachineError('unknown-state', `onTransition named "${to}", which is no state`);
    }
  }
  if (recorder.live) recorder.emit({ type: 'transition', to });
  return to;
}

function scopeOf(
  work: StepWork,
  machine: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
): Scope {
  return { context, input: work.snapshot.input, output, machine, now: work.clock.now() };
}

/** The contents of `context.machine` during a step. */
export function machineFacts(
  machine: CompiledMachine,
  snapshot: MachineSnapshot,
  state: string,
  step: number,
): MachineFacts {
  return {
    execution_id: snapshot.execution_id,
    machine_name: machine.name,
    parent_execution_id: snapshot.parent_execution_id ?? null,
    spec_version: machine.specVersion,
    step,
    current_state: state,
    total_api_calls: snapshot.total_api_calls ?? 0,
    total_cost: snapshot.total_cost ?? 0,
    depth: snapshot.depth ?? 0,
  };
}

function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
