import { FlatMachineError } from '../errors.ts';
import type { CompiledMachine, CompiledState, Scope } from '../machine/interfaces.ts';
import type { LaunchIntent, MachineSnapshot } from '../machine/snapshot.ts';
import type { JsonObject } from '../types.ts';
import type { ReferenceSnapshot } from './reference-snapshot.ts';

/** How a snapshot is taken over. */
export interface ImportOptions {
  /** Wall clock, milliseconds since the epoch. */
  now: number;
  /** Go on with this state, whatever the snapshot says. */
  from?: string | undefined;
}

/** Where an execution stands and goes on. */
type Standing = Pick<MachineSnapshot, 'status' | 'next_state' | 'step' | 'current_state'> &
  Partial<Pick<MachineSnapshot, 'output' | 'waiting_channel'>>;

/**
 * Our record of where an execution of the reference implementation stands, ready to be stored and resumed.
 *
 * - `machine_end`, and `state_exit` of a final state: completed, with the output that was stored.
 * - `state_exit`: the state is done and does not run again. Its transitions are evaluated now, on the stored context; hooks are not asked.
 * - `state_enter`, `execute`, `tool_call`: the state in hand runs again, as a whole; the reference keeps nothing of what it did.
 * - `machine_start`: the initial state, whatever its name.
 * - `waiting` (JavaScript: `wait_for`): it waits on its channel.
 *
 * Totals, parent and the launches that are still to be made are kept. The reference does not store the run's input: in its states `input` is another name of the context. So the imported execution's `input` is the stored context.
 * @throws FlatMachineError `unknown-state` when the machine has no such state, `no-transition`, `expression-error`; `options.from` goes around all three
 */
export function importSnapshot(
  reference: ReferenceSnapshot,
  machine: CompiledMachine,
  options: ImportOptions,
): MachineSnapshot {
  const { machine: _facts, ...context } = reference.context;
  const standing = options.from === undefined ? standingOf(reference, machine, context) : from(options.from);
  if (standing.next_state !== null) stateOf(machine, standing.next_state);
  const { parent_execution_id: parent } = reference;
  const launches = pendingLaunches(reference, machine);
  return {
    execution_id: reference.execution_id,
    machine_name: machine.name,
    spec_version: machine.specVersion,
    context,
    created_at: new Date(options.now).toISOString(),
    event: 'import',
    total_api_calls: reference.total_api_calls,
    total_cost: reference.total_cost,
    ...standing,
    work_step: standing.step + 1,
    input: context,
    config_hash: machine.configHash,
    epoch: 0,
    ...(parent === null ? {} : { parent_execution_id: parent }),
    ...(launches.length === 0 ? {} : { pending_launches: launches }),
    ...(machine.file === null ? {} : { machine_file: machine.file }),
    ...(machine.path.length === 0 ? {} : { machine_path: [...machine.path] }),
  };

  function from(state: string): Standing {
    return {
      ...before(reference),
      current_state: reference.current_state,
      status: 'running',
      next_state: state,
    };
  }
}

/**
 * The launches that are still to be made. The reference never takes one off its list: those it has made are executions of their own, wherever it keeps them; and those of states that
 * wait for their children are made by these states.
 */
function pendingLaunches(
  { pending_launches: intents }: ReferenceSnapshot,
  machine: CompiledMachine,
): LaunchIntent[] {
  const launched = new Set([...machine.states.values()].flatMap(({ launch }) => launch?.machines ?? []));
  return intents.filter((intent) => !intent.launched && launched.has(intent.machine));
}

function standingOf(reference: ReferenceSnapshot, machine: CompiledMachine, context: JsonObject): Standing {
  const { current_state, step, output } = reference;
  const completed: Standing = { status: 'completed', next_state: null, current_state, step, output };
  switch (reference.event) {
    case 'machine_end':
      return completed;
    case 'machine_start':
      return { status: 'running', next_state: machine.initial, current_state: machine.initial, step: 0 };
    case 'state_exit': {
      const state = stateOf(machine, current_state);
      if (state.final) return completed;
      return {
        status: 'running',
        next_state: nextState(reference, machine, state, context),
        current_state,
        step,
      };
    }
    case 'waiting':
    case 'wait_for':
      return {
        ...before(reference),
        status: 'waiting',
        next_state: current_state,
        current_state,
        ...(reference.waiting_channel === null ? {} : { waiting_channel: reference.waiting_channel }),
      };
    default:
      return { ...before(reference), status: 'running', next_state: current_state, current_state };
  }
}

/** The reference counts the step in hand, our records those that are done. */
function before({ step, event }: ReferenceSnapshot): { step: number } {
  return { step: event === 'state_exit' || event === 'machine_end' ? step : Math.max(0, step - 1) };
}

function stateOf(machine: CompiledMachine, name: string): CompiledState {
  const state = machine.states.get(name);
  if (state !== undefined) return state;
  throw new FlatMachineError(
    'unknown-state',
    `the snapshot stands at state "${name}", which machine "${machine.name}" does not have`,
    { remedy: 'Give the machine that the snapshot was made with, or say --from STATE.' },
  );
}

function nextState(
  reference: ReferenceSnapshot,
  machine: CompiledMachine,
  state: CompiledState,
  context: JsonObject,
): string {
  const scope: Scope = { context, input: context, machine: factsOf(reference, machine, state) };
  const taken = state.transitions.find(({ condition }) => condition === null || condition(scope));
  if (taken !== undefined) return taken.to;
  throw new FlatMachineError('no-transition', `no transition of state "${state.name}" matches the snapshot`, {
    location: state.location,
    remedy: 'Say with --from which state to go on with.',
  });
}

function factsOf(reference: ReferenceSnapshot, machine: CompiledMachine, state: CompiledState) {
  return {
    execution_id: reference.execution_id,
    machine_name: machine.name,
    parent_execution_id: reference.parent_execution_id,
    spec_version: machine.specVersion,
    step: reference.step,
    current_state: state.name,
    total_api_calls: reference.total_api_calls,
    total_cost: reference.total_cost,
    depth: 0,
  };
}
