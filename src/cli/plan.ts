import { withoutSecrets } from '../backends/url.ts';
import { compileMachine, loadMachineFile } from '../machine/index.ts';
import type {
  CompiledChildren,
  CompiledMachine,
  CompiledState,
  HookReference,
} from '../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { systemClock } from '../types.ts';
import { builtinNames } from './builtin-names.ts';

/** What may replace what the machine says. */
export interface PlanOptions {
  runner?: string;
  backend?: string;
  maxSteps?: number;
}

/**
 * What a run would start with: everything resolved, nothing run, nothing stored. Templates of the initial context are rendered with the
 * given input. @throws FlatMachineError as a run would before its first step
 */
export async function planOf(file: string, input: JsonObject, options: PlanOptions): Promise<JsonObject> {
  const machine = await compileMachine(await loadMachineFile(file), builtinNames());
  return {
    machine: machine.name,
    file: machine.file,
    spec_version: machine.specVersion,
    config_hash: machine.configHash,
    backend: options.backend === undefined ? backendOf(machine) : withoutSecrets(options.backend),
    runner: options.runner ?? null,
    max_steps: options.maxSteps ?? machine.settings.max_steps,
    hooks: machine.hooks.map(hookFacts),
    input,
    context: machine.context({ context: {}, input, now: systemClock.now() }),
    initial: machine.initial,
    agents: mapFacts(machine.agents, ({ type, file }) => ({ type, file })),
    machines: mapFacts(machine.machines, ({ name, path, file }) =>
      path.length === 0 ? { machine: name, file } : { machine: name, inline: true },
    ),
    states: mapFacts(machine.states, stateFacts),
  };
}

function backendOf({ persistence, settings }: CompiledMachine): JsonValue {
  if (!persistence.enabled) return 'memory';
  const named = { ...settings.backends };
  if (persistence.backend !== null) named.persistence = persistence.backend;
  if (persistence.db_path !== null) named.db_path = persistence.db_path;
  if (Object.keys(named).length === 0) return 'default';
  return Object.fromEntries(
    Object.entries(named).map(([role, where]) => [
      role,
      typeof where === 'string' ? withoutSecrets(where) : where,
    ]),
  );
}

function hookFacts(hook: HookReference): JsonObject {
  if (hook.kind === 'named') return { name: hook.name, args: hook.args };
  return { class: hook.class, from: hook.file ?? hook.module ?? null, args: hook.args };
}

function mapFacts<Value>(
  values: ReadonlyMap<string, Value>,
  facts: (value: Value) => JsonObject,
): JsonObject {
  return Object.fromEntries([...values].map(([name, value]) => [name, facts(value)]));
}

/** What a state does, in the order it does it; what it does not say is left out. */
function stateFacts(state: CompiledState): JsonObject {
  const { action, launch, waitFor, children, agent, timeout, transitions } = state;
  return {
    ...(state.final && { final: true }),
    ...(action !== null && { action }),
    ...(launch !== null && { launch: [...launch.machines] }),
    ...(waitFor !== null && { wait_for: true }),
    ...(children !== null && childrenFacts(children)),
    ...(agent !== null && { agent: agent.agent, execution: agent.execution }),
    ...(agent?.toolLoop && { tool_loop: true }),
    ...(timeout !== null && { timeout }),
    ...(transitions.length > 0 && {
      transitions: transitions.map(({ source, to }) => (source === null ? { to } : { if: source, to })),
    }),
  };
}

function childrenFacts({ machines, foreach, mode }: CompiledChildren): JsonObject {
  return {
    machine: machines.map(({ machine }) => machine),
    mode,
    ...(foreach !== null && { foreach: true, max_concurrency: foreach.maxConcurrency }),
  };
}
