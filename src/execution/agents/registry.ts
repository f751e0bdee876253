import { FlatMachineError } from '../../errors.ts';
import type { AgentAdapter } from './interfaces.ts';

/** The kinds of agents that this package brings. */
const BUILT_IN_AGENTS: readonly AgentAdapter[] = [
  // biome-ignore lint/style/noRestrictedImports: a room on this floor, not the library's index
  { type: 'flatagent', load: async () => (await import('./flatagent/index.ts')).flatagentFactory },
  { type: 'command', load: async () => (await import('./command.ts')).commandFactory },
  { type: 'http', load: async () => (await import('./http.ts')).httpFactory },
  { type: 'script', load: async () => (await import('./script.ts')).scriptFactory },
];

/** Kinds of agents by the `type` that machines name them by. */
export class AgentRegistry {
  readonly #adapters = new Map<string, AgentAdapter>();

  /** @param adapters default: the built-in ones */
  constructor(adapters: readonly AgentAdapter[] = BUILT_IN_AGENTS) {
    for (const adapter of adapters) this.register(adapter);
  }

  /** Adds a kind of agent. @throws FlatMachineError `already-exists` */
  register(adapter: AgentAdapter): void {
    if (this.#adapters.has(adapter.type)) {
      throw new FlatMachineError('already-exists', `an agent type "${adapter.type}" is registered already`);
    }
    this.#adapters.set(adapter.type, adapter);
  }

  /** The types there are, for the linter. */
  known(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  /** The adapter of a type. @throws FlatMachineError `unknown-agent`, listing those there are */
  get(type: string): AgentAdapter {
    const adapter = this.#adapters.get(type);
    if (adapter !== undefined) return adapter;
    const names = [...this.#adapters.keys()].sort().join(', ');
    throw new FlatMachineError('unknown-agent', `there is no agent type "${type}"; there are: ${names}`);
  }
}
