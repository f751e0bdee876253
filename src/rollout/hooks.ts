import { FlatMachineError } from '../errors.ts';
import type { ActionCall, HookFactory } from '../execution/interfaces.ts';
import { openRunner } from '../runners/registry.ts';
import type { JsonObject } from '../types.ts';
import { ROLLOUT_ACTIONS, type RolloutAction } from './actions.ts';
import { assignBlame } from './blame.ts';
import { checkpoint } from './checkpoint.ts';
import { load } from './load.ts';
import { slotSandbox } from './sandbox.ts';
import { RolloutSession, taskFacts } from './session.ts';
import { rolloutSettings } from './settings.ts';
import { runTurn } from './turn.ts';
import { verify } from './verify.ts';

/** An action's work; what it returns becomes `output`, with `ms`, the milliseconds it took. */
type Action = (session: RolloutSession, context: JsonObject, call: ActionCall) => Promise<JsonObject>;

/**
 * The states' actions. Each reads what earlier ones left in the context under `task` and `slot`, and gives the same when
 * asked again under the same `workId`.
 */
const ACTIONS: Readonly<Record<RolloutAction, Action>> = {
  load_task: (session, _context, call) => load(session, call),
  acquire_slot: acquire,
  prepare,
  run_turn: runTurn,
  checkpoint,
  verify,
  release_slot: release,
  assign_blame: async (_session, context) => assignBlame(context),
};

/** Opens a runner by name. @throws FlatMachineError `unknown-runner` */
export type RunnerOpener = typeof openRunner;

/**
 * The hooks `rollout`: they bind a machine's states to slots, commands, snapshots and verdicts. Arguments: see {@link rolloutSettings}.
 * @param open where runners come from; default: the built-in ones
 */
export function rolloutHooks(open: RunnerOpener = openRunner): HookFactory {
  return (args, environment) => {
    const session = new RolloutSession(rolloutSettings(args), environment, (name) =>
      open(name, { stateDir: environment.stateDir }),
    );
    return {
      actions: ROLLOUT_ACTIONS,
      onAction: (action, context, call) => session.track(act(session, action, context, call)),
      sandbox: (context, call) => slotSandbox(session, context, call),
      check: () => session.check(),
      onExecutionEnd: (executionId) => session.end(executionId),
      close: () => session.close(),
    };
  };
}

async function act(session: RolloutSession, action: string, context: JsonObject, call: ActionCall) {
  const work = Object.hasOwn(ACTIONS, action) ? ACTIONS[action as RolloutAction] : undefined;
  if (work === undefined) {
    throw new FlatMachineError('unhandled-action', `the hooks "rollout" have no action "${action}"`);
  }
  const started = performance.now();
  const output = await work(session, context, call);
  return { output: { ...output, ms: Math.round(performance.now() - started) } };
}

async function acquire(session: RolloutSession, context: JsonObject, call: ActionCall): Promise<JsonObject> {
  const facts = taskFacts(context);
  const { slot, workspace, waitMs } = await session.acquire(facts, call);
  call.emit({
    type: 'slot_acquired',
    slot_id: slot.slot_id,
    runner: facts.runner,
    environment_id: slot.alloc_id,
    isolation: facts.isolation,
    wait_ms: waitMs,
  });
  return { slot_id: slot.slot_id, environment_id: slot.alloc_id, workspace };
}

async function prepare(session: RolloutSession, context: JsonObject, call: ActionCall): Promise<JsonObject> {
  const { environment, slot } = await session.held(context, call);
  const files = await (await session.task(taskFacts(context))).workspace();
  await environment.upload(slot.slot_id, slot.token, files);
  return { files: files.length };
}

async function release(session: RolloutSession, context: JsonObject, call: ActionCall): Promise<JsonObject> {
  const { started_at } = taskFacts(context);
  await session.release(context, call);
  return { total_ms: session.environment.clock.now() - started_at };
}
