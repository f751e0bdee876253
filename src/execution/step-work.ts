import type { CompiledState, MachineFacts, Scope } from '../machine/interfaces.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue, MaybePromise } from '../types.ts';
import type { Budget } from './budget.ts';
import type { Held } from './hold.ts';
import type { MachineHooks } from './interfaces.ts';
import type { WorkJournal } from './journal.ts';
import type { Launches } from './launches.ts';
import type { ExecutionSetup } from './setup.ts';

/** One state's work and what it may use. */
export interface StepWork {
  setup: ExecutionSetup;
  held: Held;
  journal: WorkJournal;
  budget: Budget;
  /** As this state sees them. */
  hooks: MachineHooks;
  launches: Launches;
  state: CompiledState;
  /** Number of the record this step will write. */
  step: number;
  /** The record before it. */
  snapshot: MachineSnapshot;
}

/** What a part of a state's work came to. */
export interface PartOutcome {
  output: JsonValue;
  /** The new context, or null = unchanged. */
  context: JsonObject | null;
  /** The state to go on with, when the part itself decides; null = the transitions do. */
  to: string | null;
}

/** One part of a state's work. Not a promise where nothing was waited for: an ordinary step is all there is between two of them. */
export type PartWork = (
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
) => MaybePromise<PartOutcome>;

/** What templates and conditions see during a step. */
export function scopeOf(
  { setup, snapshot }: StepWork,
  machine: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
): Scope {
  return { context, input: snapshot.input, output, machine, now: setup.clock.now() };
}

/** The contents of `context.machine` during a step. */
export function machineFacts(
  { name, specVersion }: { name: string; specVersion: string },
  snapshot: MachineSnapshot,
  state: string,
  step: number,
): MachineFacts {
  return {
    execution_id: snapshot.execution_id,
    machine_name: name,
    parent_execution_id: snapshot.parent_execution_id ?? null,
    spec_version: specVersion,
    step,
    current_state: state,
    total_api_calls: snapshot.total_api_calls ?? 0,
    total_cost: snapshot.total_cost ?? 0,
    depth: snapshot.depth ?? 0,
  };
}
