import { crashPoint } from '../crash-points.ts';
import { FlatMachineError } from '../errors.ts';
import { setOwn, toJson } from '../json.ts';
import type { MachineFacts, StatePart } from '../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { difference, type Spent, usedBy } from './budget.ts';
import { contextForHook, contextFromHook } from './hook-calls.ts';
import { doAction } from './parts/action.ts';
import { machineFacts, type PartOutcome, type PartWork, type StepWork, scopeOf } from './step-work.ts';

/** What a step came to. */
export interface StepResult {
  context: JsonObject;
  /** The state to go on with; null = the machine has ended. */
  to: string | null;
  /** The machine's result, when it has ended. */
  output: JsonValue;
}

/** The work of each part. What an ordinary step does not need is loaded when a state has it. */
const PARTS: Readonly<Record<StatePart, () => PartWork | Promise<PartWork>>> = {
  action: () => doAction,
  launch: async () => (await import('./parts/launch.ts')).launchChildren,
  wait_for: async () => (await import('./parts/wait.ts')).waitForSignal,
  children: async () => (await import('./parts/children.ts')).runChildren,
  agent: async () => (await import('./parts/agent.ts')).callAgentPart,
};

/** What the parts of a state have come to so far. */
interface Progress {
  context: JsonObject;
  output: JsonValue | undefined;
  to: string | null;
}

/** A finished part as the journal keeps it. */
interface JournaledPart extends Progress {
  /** What the children used: nothing else is paid for before the last part. */
  spent?: Spent;
}

/**
 * Does one state: enter hooks → its parts, the output of each mapped before the next → exit hooks → final output or transition. Commits nothing: the caller
 * commits the result as one record, or routes the error. @throws Pause when the work cannot go on now
 */
export async function doStep(work: StepWork): Promise<StepResult> {
  const { state, snapshot, setup, hooks, held } = work;
  const { recorder } = held;
  const facts = machineFacts(setup.machine, snapshot, state.name, work.step);
  const started = recorder.live ? setup.clock.monotonic() : 0;
  if (recorder.live) {
    recorder.emit({
      type: 'state_enter',
      ...(snapshot.deadline === undefined ? {} : { deadline: snapshot.deadline }),
    });
  }
  const done: Progress = { context: snapshot.context, output: undefined, to: null };
  if (hooks.onStateEnter !== undefined) {
    const returned = await hooks.onStateEnter(state.name, contextForHook(done.context, facts));
    if (returned !== undefined) done.context = contextFromHook(returned, 'onStateEnter');
  }
  if (state.parts.length === 0) done.context = mapOutput(work, facts, done);
  for (const part of state.parts) {
    if (done.to !== null) break;
    if (restorePart(work, part, done)) continue;
    const load = PARTS[part]();
    const doPart = load instanceof Promise ? await load : load;
    const ended = doPart(work, facts, done.context, done.output);
    const outcome = ended instanceof Promise ? await ended : ended;
    const journaled = takeOutcome(work, facts, part, done, outcome);
    if (journaled !== null) await journaled;
  }
  const { context } = done;
  let result = state.final ? finalOutput(work, facts, context, done.output) : done.output;
  if (hooks.onStateExit !== undefined) {
    const returned = await hooks.onStateExit(state.name, contextForHook(context, facts), result);
    if (returned !== undefined) result = toJson(returned, 'output from onStateExit');
  }
  if (recorder.live) recorder.emit({ type: 'state_exit', duration_ms: setup.clock.monotonic() - started });
  if (state.final) return { context, to: null, output: await machineEnd(work, facts, context, result ?? {}) };
  return { context, to: await nextState(work, facts, context, result, done.to), output: null };
}

/** Whether an earlier run has done this part already; then what it came to is taken from the journal. A launch is not: it takes up children that have not ended. */
function restorePart({ journal, budget }: StepWork, part: StatePart, done: Progress): boolean {
  const before = journal.get(`part.${part}`) as unknown as JournaledPart | undefined;
  if (before === undefined) return false;
  const { spent, ...progress } = before;
  Object.assign(done, progress);
  if (spent !== undefined) budget.add(spent);
  if (part === 'wait_for') journal.waits(true);
  return true;
}

/** A part is done: its output is mapped, and unless it is the last, journaled, so that a resume of this state does not repeat it. */
function takeOutcome(
  work: StepWork,
  facts: MachineFacts,
  part: StatePart,
  done: Progress,
  outcome: PartOutcome,
): Promise<void> | null {
  const { parts } = work.state;
  const last = part === parts[parts.length - 1];
  done.context = outcome.context ?? done.context;
  done.to = outcome.to;
  if (part !== 'launch') done.output = outcome.output;
  if (part !== 'launch' || last) done.context = mapOutput(work, facts, done);
  return last || part === 'launch' ? null : journalPart(work, part, done);
}

async function journalPart(
  { journal, budget, snapshot }: StepWork,
  part: StatePart,
  done: Progress,
): Promise<void> {
  crashPoint('part.before-journal');
  const { output, context, to } = done;
  await journal.put(`part.${part}`, {
    ...(output === undefined ? {} : { output }),
    context,
    to,
    ...(part === 'children' ? { spent: { ...difference(budget.spent, usedBy(snapshot)) } } : {}),
  });
  crashPoint('part.after-journal');
}

function mapOutput(work: StepWork, facts: MachineFacts, done: Progress): JsonObject {
  const { outputToContext } = work.state;
  if (outputToContext.length === 0) return done.context;
  const context = { ...done.context };
  const scope = scopeOf(work, facts, context, done.output);
  for (const [key, render] of outputToContext) setOwn(context, key, render(scope));
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
  const { machine: hooks } = work.held.hooks;
  if (hooks.onMachineEnd === undefined) return output;
  const returned = await hooks.onMachineEnd(contextForHook(context, facts), output);
  return returned === undefined ? output : toJson(returned, 'output from onMachineEnd');
}

async function nextState(
  work: StepWork,
  facts: MachineFacts,
  context: JsonObject,
  output: JsonValue | undefined,
  chosen: string | null,
): Promise<string> {
  const { state, hooks, setup, held } = work;
  const scope = scopeOf(work, facts, context, output);
  let to = chosen ?? state.transitions.find(({ condition }) => condition === null || condition(scope))?.to;
  if (to === undefined) {
    throw new FlatMachineError('no-transition', `no transition of state "${state.name}" matched`, {
      location: state.location,
    });
  }
  if (hooks.onTransition !== undefined) {
    to = (await hooks.onTransition(state.name, to, contextForHook(context, facts))) ?? to;
    if (!setup.machine.states.has(to)) {
      throw new FlatMachineError('unknown-state', `onTransition named "${to}", which is no state`);
    }
  }
  if (held.recorder.live) held.recorder.emit({ type: 'transition', to });
  return to;
}
