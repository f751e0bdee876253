import type { JsonObject } from '../../types.ts';
import { childId } from '../children/ids.ts';
import { launchChild } from '../children/launch.ts';
import { assertDepth } from '../children/link.ts';
import { boundOf } from '../part-call.ts';
import { type PartWork, type StepWork, scopeOf } from '../step-work.ts';

/** `launch`: starts children and goes on once they are stored. Their intents are journaled before any of them starts. */
export const launchChildren: PartWork = async (work, facts, context, before) => {
  const { state, setup, journal, snapshot } = work;
  const { input } = state.launch!;
  assertDepth(setup, snapshot);
  if (journal.get('launch') === undefined) {
    const given: JsonObject = input === null ? {} : input(scopeOf(work, facts, context, before));
    await journal.put('launch', given);
  }
  await boundOf(work).race(
    `launch of state "${state.name}"`,
    launchAll(work, journal.get('launch') as JsonObject),
  );
  return { output: null, context: null, to: null };
};

async function launchAll(work: StepWork, input: JsonObject): Promise<void> {
  const { state, setup, journal, budget, launches, snapshot, held } = work;
  for (const [i, machine] of state.launch!.machines.entries()) {
    const id = childId(snapshot.execution_id, journal.work, `l${i}`);
    // Stored before the last record was: unless it has ended, that record has it among those that are taken up again.
    if (journal.told('launch') && (await setup.backends.persistence.latest(id)) !== null) continue;
    await launchChild(setup, budget, snapshot, launches, {
      execution_id: id,
      machine,
      input,
      launched: false,
    });
    held.recorder.emit({ type: 'launch', child: id, machine });
  }
}
