import type { JsonObject } from '../../types.ts';
import { childId } from '../children/ids.ts';
import { launchChild } from '../children/launch.ts';
import { assertDepth } from '../children/link.ts';
import { type PartWork, scopeOf } from '../step-work.ts';

/** `launch`: starts children and goes on once they are stored. Their intents are journaled before any of them starts. */
export const launchChildren: PartWork = async (work, facts, context, before) => {
  const { state, setup, journal, budget, launches, snapshot, held } = work;
  const { machines, input } = state.launch!;
  assertDepth(setup, snapshot);
  if (journal.get('launch') === undefined) {
    const given: JsonObject = input === null ? {} : input(scopeOf(work, facts, context, before));
    await journal.put('launch', given);
  }
  const given = journal.get('launch') as JsonObject;
  for (const [i, machine] of machines.entries()) {
    const id = childId(snapshot.execution_id, journal.work, `l${i}`);
    const intent = { execution_id: id, machine, input: given, launched: true };
    launches.add(intent);
    await launchChild(setup, budget, snapshot, launches, intent);
    held.recorder.emit({ type: 'launch', child: id, machine });
  }
  return { output: null, context: null, to: null };
};
