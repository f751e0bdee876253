import { isFlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import type { FreezeLevel } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { workName } from './identity.ts';
import { type RolloutSession, taskFacts } from './session.ts';

/**
 * Freezes what the agent left, as completely as the runner can, with the agent's processes stopped. `reference` is null where the runner
 * cannot freeze, which a log event says.
 */
export async function checkpoint(
  session: RolloutSession,
  context: JsonObject,
  call: ActionCall,
): Promise<JsonObject> {
  const held = await session.held(context, call);
  const runner = await session.runner(taskFacts(context).runner);
  const level = bestLevel(runner.capabilities.freeze, session.settings.slotsPerEnvironment);
  if (level === null) {
    const message = `runner ${runner.name} cannot freeze: there is no snapshot`;
    call.emit({ type: 'log', level: 'info', message });
    return { reference: null, level: null };
  }
  const { slot_id, token } = held.slot;
  await held.environment.stopProcesses(slot_id, token);
  // Named after the work, so that doing it again after a crash finds it done.
  const name = workName(call.workId).replace(/[^A-Za-z0-9_-]/g, '-');
  try {
    const { reference } = await held.environment.freeze(slot_id, token, name, level);
    call.emit({ type: 'freeze', reference, level, runner: runner.name });
    return { reference, level };
  } catch (error) {
    if (!isFlatMachineError(error, 'unsafe-path')) throw error;
    // The agent's doing, on which the verdict is still to come.
    call.emit({ type: 'log', level: 'warn', message: `no snapshot: ${error.message}` });
    return { reference: null, level: null };
  }
}

/** A whole file system belongs to one trajectory only where the environment has a single slot. */
function bestLevel(levels: readonly FreezeLevel[], slotsPerEnvironment: number): FreezeLevel | null {
  if (slotsPerEnvironment === 1 && levels.includes('filesystem')) return 'filesystem';
  return levels.includes('workspace') ? 'workspace' : null;
}
