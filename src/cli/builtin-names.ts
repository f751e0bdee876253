import { AgentRegistry } from '../execution/agents/registry.ts';
import { builtinHooks } from '../library/builtin-hooks.ts';
import type { LintOptions } from '../machine/index.ts';

/** What the linter may know where no program has registered anything: the names that this package brings. */
export function builtinNames(): LintOptions {
  return {
    knownHooks: builtinHooks().known(),
    knownAgentTypes: new AgentRegistry().known(),
    knownExecutionTypes: [],
  };
}
