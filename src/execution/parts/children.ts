import { crashPoint } from '../../crash-points.ts';
import type { CompiledChildren, CompiledMachine } from '../../machine/interfaces.ts';
import type { JsonValue } from '../../types.ts';
import { cancelChildren } from '../children/cancel.ts';
import { childSetup, runChild } from '../children/child.ts';
import { ChildGroup, type GroupEnd, isTakenUpAgain } from '../children/group.ts';
import { childId } from '../children/ids.ts';
import { assertDepth, linkTo } from '../children/link.ts';
import { noSuccess, settledOutput, winnerOutput } from '../children/outcome.ts';
import { type PlannedChild, planChildren } from '../children/plan.ts';
import { takeStock } from '../children/stock.ts';
import type { ChildrenWork } from '../children/work.ts';
import { boundOf, PartCall } from '../part-call.ts';
import { type PartWork, type StepWork, scopeOf } from '../step-work.ts';

/** `machine` and `foreach`: runs children and waits for them. What is to be run is journaled before any of them starts. */
export const runChildren: PartWork = async (work, facts, context, before) => {
  const { state, setup, journal, snapshot } = work;
  const children = state.children!;
  assertDepth(setup, snapshot);
  const known = journal.get('children') as unknown as PlannedChild[] | undefined;
  const plan = known ?? planChildren(children, state.input, scopeOf(work, facts, context, before));
  if (known === undefined) await journal.put('children', plan as unknown as JsonValue);
  crashPoint('children.planned');
  if (plan.length === 0) return { output: children.foreach?.key == null ? [] : {}, context: null, to: null };
  const bound = boundOf(work);
  const group = groupWork(work, children.mode, known === undefined);
  const ids = new Set(plan.map((_, i) => group.idOf(i)));
  const setupOf = (i: number) => group.setupOf(plan[i]!.machine, group.idOf(i), NO_STOPS);
  const standings = known === undefined ? [] : await takeStock(plan.length, setupOf);
  if (children.mode === 'any') {
    // The success that a run before this one may have seen already: then it stays the winner.
    const winner = standings.findIndex((standing) => standing?.end.status === 'completed');
    if (winner !== -1) {
      const { input } = plan[winner]!;
      const { output } = await runChild(setupOf(winner), input, {
        parentId: snapshot.execution_id,
        fresh: false,
      });
      await cancelChildren(setup, ids);
      return { output: winnerOutput(plan[winner]!, output), context: null, to: null };
    }
  }
  const what = `children of state "${state.name}"`;
  try {
    const call = new PartCall(work, bound);
    bound.assertTime(what);
    const running = new ChildGroup({ ...group, call }, plan, standings).run(atOnce(work));
    // Children that are told to end are seen to their ends even if the state does not wait for that; what they come to is in their own records.
    setup.background.add(running.catch(() => {}));
    const end = await bound.race(what, running);
    if (end.winner !== null) await cancelChildren(setup, ids);
    return { output: outputOf(children, plan, end), context: null, to: null };
  } catch (error) {
    // Nobody takes this work up again: those that park, or still run, would be nobody's.
    if (!isTakenUpAgain(error)) setup.background.add(cancelChildren(setup, ids));
    throw error;
  }
};

const NO_STOPS = { interrupt: undefined, cancel: undefined };

function atOnce({ setup, state }: StepWork): number {
  return Math.min(
    setup.machine.settings.max_concurrency,
    state.children?.foreach?.maxConcurrency ?? Number.POSITIVE_INFINITY,
  );
}

function groupWork(work: StepWork, mode: 'settled' | 'any', fresh: boolean): Omit<ChildrenWork, 'call'> {
  const { setup, journal, snapshot, budget, held } = work;
  const { machines } = setup.machine;
  const link = linkTo(setup, snapshot, budget, true);
  return {
    mode,
    fresh,
    idOf: (index) => childId(snapshot.execution_id, journal.work, String(index)),
    setupOf: (name, id, stops) =>
      childSetup(
        setup,
        { id, machine: machines.get(name) as CompiledMachine },
        link,
        stops,
        snapshot.options ?? {},
      ),
    async waitFor(children) {
      const deadline = snapshot.deadline ?? null;
      const { execution_id: executionId } = snapshot;
      journal.waits(false);
      await setup.backends.signals.wait({
        executionId,
        work: journal.work,
        for: { children },
        deadline,
        fence: held.lease,
      });
      crashPoint('wait.registered');
    },
  };
}

function outputOf(
  { mode, single, foreach }: CompiledChildren,
  plan: readonly PlannedChild[],
  { outcomes, winner }: GroupEnd,
): JsonValue {
  if (winner !== null) return winnerOutput(plan[winner]!, outcomes[winner]!.output as JsonValue);
  const [only] = outcomes;
  if (single && foreach === null && only !== undefined) {
    if (only.error !== undefined) throw only.error;
    return only.output;
  }
  if (mode === 'any') throw noSuccess(plan, outcomes);
  return settledOutput(plan, outcomes);
}
