import { crashPoint } from '../../crash-points.ts';
import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import { boundOf } from '../part-call.ts';
import { Pause } from '../pause.ts';
import { type PartWork, scopeOf } from '../step-work.ts';

/** `wait_for`: the payload of a signal on the channel is the output. Without one the execution parks; nothing of it stays in memory. */
export const waitForSignal: PartWork = async (work, facts, context, before) => {
  const { state, setup, held, journal, snapshot } = work;
  const channel = state.waitFor?.(scopeOf(work, facts, context, before));
  if (typeof channel !== 'string' || channel === '') {
    throw new FlatMachineError(
      'template-error',
      `the channel that state "${state.name}" waits for must be text, not ${JSON.stringify(channel ?? null)}`,
      { location: state.location },
    );
  }
  const signal = await setup.backends.signals.wait({
    executionId: snapshot.execution_id,
    work: journal.work,
    for: { channel },
    deadline: snapshot.deadline ?? null,
    fence: held.lease,
  });
  journal.waits(signal !== null);
  if (signal === null) {
    boundOf(work).assertTime(`wait for a signal on "${channel}" in state "${state.name}"`);
    crashPoint('wait.registered');
    throw new Pause({ status: 'waiting', channel });
  }
  held.recorder.emit({ type: 'signal', channel: signal.channel, signal_id: signal.signal_id });
  const { data } = signal;
  return { output: isJsonObject(data) ? data : { value: data }, context: null, to: null };
};
