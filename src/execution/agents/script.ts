import type { FlatMachineError } from '../../errors.ts';
import { sleep } from '../../timers.ts';
import { agentError } from './errors.ts';
import type { AgentCall, AgentExecutor, AgentFactory, AgentResult } from './interfaces.ts';
import { readScript, type Script, type ScriptAnswer } from './script-config.ts';

/**
 * Agents of type `script`: recorded answers, for tests, demonstrations and replays of what a model once said. The `config` is `{answers, cycle, metadata}`, or `{file}` of such a file (YAML or JSON).
 *
 * `answers` as a list is told off over the whole execution: the n-th agent call it makes, of whichever agent, gets the n-th answer. As a map it has a list per state; each time the state is entered,
 * it begins anew. With `cycle: true` a list that has run out starts over. Which answer a call gets depends on nothing but the record, so a resume gets the same.
 */
export const scriptFactory: AgentFactory = async (definition): Promise<AgentExecutor> => {
  const script = await readScript(definition);
  return {
    metadata: script.metadata,
    execute: (_input, _context, call) => give(definition.name, script, call),
    open: (input) => [{ role: 'user', content: JSON.stringify(input) }],
    turn: (_request, call) => give(definition.name, script, call),
  };
};

async function give(agent: string, script: Script, call: AgentCall): Promise<AgentResult> {
  const answer = choose(agent, script, call);
  if (answer.delay > 0) await sleep(answer.delay * 1000, call.signal);
  if (answer.error !== null) throw answer.error();
  const result = answer.result(call.ordinal);
  if (typeof result.content === 'string') call.stream(result.content);
  return result;
}

function choose(agent: string, { answers, byState, cycle }: Script, call: AgentCall): ScriptAnswer {
  const list = answers ?? byState.get(call.state);
  if (list === undefined) throw ranOut(`script agent "${agent}" has no answers for state "${call.state}"`);
  const place = answers === null ? call.index : call.ordinal;
  const answer = list[cycle && list.length > 0 ? place % list.length : place];
  if (answer !== undefined) return answer;
  const where = answers === null ? ` for state "${call.state}"` : '';
  throw ranOut(`script agent "${agent}" has ${list.length} answers${where}, and this is call ${place + 1}`);
}

function ranOut(message: string): FlatMachineError {
  return agentError('agent', message, {
    retryable: false,
    remedy: 'Add answers to its config, or set `cycle: true`.',
  });
}
