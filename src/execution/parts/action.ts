import { FlatMachineError } from '../../errors.ts';
import type { MaybePromise } from '../../types.ts';
import { actionOutcome, contextForHook, handlesAction } from '../hook-calls.ts';
import { boundOf, HookCall } from '../part-call.ts';
import { type PartOutcome, type PartWork, scopeOf } from '../step-work.ts';

/** `action`: what the hook returns is the output. */
export const doAction: PartWork = (work, facts, context, before) => {
  const { state, hooks, held, setup } = work;
  const { recorder } = held;
  const action = state.action as string;
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
  const bound = boundOf(work);
  bound.assertTime(what);
  const input = state.input === null ? {} : state.input(scopeOf(work, facts, context, before));
  const call = new HookCall(work, action, input, bound);
  const started = recorder.live ? setup.clock.monotonic() : 0;
  if (recorder.live) recorder.emit({ type: 'action_start', action });
  const returned = hooks.onAction?.(action, contextForHook(context, facts), call);
  const ended = (value: unknown): PartOutcome => {
    if (recorder.live) {
      recorder.emit({ type: 'action_end', action, duration_ms: setup.clock.monotonic() - started });
    }
    const { output, context: changed } = actionOutcome(value);
    return { output, context: changed, to: null };
  };
  return isPromise(returned) ? bound.race(what, returned).then(ended) : ended(returned);
};

function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
