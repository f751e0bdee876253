import { FlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import type { ExecResult, Outcome } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { runCommand, tail } from './command.ts';
import { type RolloutSession, taskFacts } from './session.ts';

/** Ends of a command after which there is nothing more for the agent to do. */
const FINAL: readonly Outcome[] = ['timeout', 'output_capped', 'cancelled'];

/**
 * Plays turn `input.turn` (from 1) of the recorded agent: its commands in order, up to the first that is cut off.
 */
export async function runTurn(
  session: RolloutSession,
  context: JsonObject,
  call: ActionCall,
): Promise<JsonObject> {
  const facts = taskFacts(context);
  if (facts.agent === null) {
    throw new FlatMachineError('usage', 'run_turn plays a recorded agent, and none was named', {
      remedy: 'Give load_task an `agent`, or the hooks a default one.',
    });
  }
  const task = await session.task(facts);
  const turns = await session.recording(facts, facts.agent);
  const { turn } = call.input;
  const commands = typeof turn === 'number' ? turns[turn - 1] : undefined;
  if (commands === undefined) {
    throw new FlatMachineError('usage', `agent "${facts.agent}" has no turn ${JSON.stringify(turn ?? null)}`);
  }
  const held = await session.held(context, call);
  let last: ExecResult | undefined;
  for (const [n, command] of commands.entries()) {
    last = await runCommand(session, held, call, {
      id: String(n),
      cmd: command.cmd,
      timeout: command.timeout ?? task.turnTimeout,
    });
    if (FINAL.includes(last.outcome)) break;
  }
  const result = last as ExecResult;
  return {
    turn: turn as number,
    outcome: result.outcome,
    returncode: result.returncode,
    timed_out: result.timed_out,
    done: FINAL.includes(result.outcome) || turn === facts.max_turns,
    output: tail(result.output),
  };
}
