import { callAgent } from '../agents/call-agent.ts';
import { boundOf, PartCall } from '../part-call.ts';
import { type PartWork, scopeOf } from '../step-work.ts';

/** `agent`: one call of it under the state's strategy, or a tool loop. */
export const callAgentPart: PartWork = async (work, facts, context, before) => {
  const { setup, state, journal, budget, hooks, snapshot } = work;
  const agent = state.agent!;
  const bound = boundOf(work);
  const what = `agent "${agent.agent}" of state "${state.name}"`;
  bound.assertTime(what);
  const scope = scopeOf(work, facts, context, before);
  const session = agent.sessionId?.(scope) ?? null;
  return bound.race(
    what,
    callAgent({
      machine: setup.machine,
      state,
      agent,
      input: state.input === null ? {} : state.input(scope),
      context,
      sessionId: session === null ? null : String(session),
      baseOrdinal: snapshot.total_api_calls ?? 0,
      facts,
      scope: (output, now) => scopeOf(work, facts, now, output),
      now: () => setup.clock.now(),
      work: new PartCall(work, bound),
      journal,
      budget,
      hooks,
      agents: setup.agents,
      random: setup.random,
    }),
  );
};
