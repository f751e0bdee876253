import type { AgentCall } from '../../src/execution/agents/interfaces.ts';
import type { AgentDefinition } from '../../src/machine/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';

/** What a call of an agent is told, for agents that are called by themselves. */
export function agentCall(of: Partial<AgentCall> = {}): AgentCall & { streamed: string[] } {
  const streamed: string[] = [];
  return {
    state: 'work',
    executionId: 'run-1',
    step: 3,
    workId: 'run-1.3',
    fence: { holder: 'me', token: 1 } as unknown as AgentCall['fence'],
    signal: new AbortController().signal,
    deadline: null,
    emit() {},
    call: 'call.0',
    ordinal: 0,
    index: 0,
    sessionId: null,
    sandbox: () => Promise.reject(new Error('there is no sandbox')),
    stream: (text) => streamed.push(text),
    ...of,
    streamed,
  };
}

/** An agent as a machine's file would give it. */
export function agentDefinition(config: JsonObject, of: Partial<AgentDefinition> = {}): AgentDefinition {
  return {
    name: 'coder',
    type: 'flatagent',
    config,
    file: null,
    dir: process.cwd(),
    profiles: null,
    location: { file: 'machine.yml', line: 4, column: 3 },
    ...of,
  };
}

/** How a text of a file takes something from the environment. */
export function fromEnv(name: string): string {
  return `\${${name}}`;
}
