import { builtinHooks } from '../flatmachine.ts';
import { compileMachine, loadMachineFile } from '../machine/index.ts';
import type { CompiledMachine, HookReference } from '../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { systemClock } from '../types.ts';

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
  const machine = await compileMachine(await loadMachineFile(file), { knownHooks: builtinHooks().known() });
  return {
    machine: machine.name,
    file: machine.file,
    spec_version: machine.specVersion,
    config_hash: machine.configHash,
    backend: options.backend ?? backendOf(machine),
    runner: options.runner ?? null,
    max_steps: options.maxSteps ?? machine.settings.max_steps,
    hooks: machine.hooks.map(hookFacts),
    input,
    context: machine.context({ context: {}, input, now: systemClock.now() }),
    initial: machine.initial,
    states: Object.fromEntries([...machine.states.values()].map((state) => [state.name, stateFacts(state)])),
  };
}

function backendOf({ persistence, settings }: CompiledMachine): JsonValue {
  if (!persistence.enabled) return 'memory';
  const named = { ...settings.backends };
  if (persistence.backend !== null) named.persistence = persistence.backend;
  if (persistence.db_path !== null) named.db_path = persistence.db_path;
  return Object.keys(named).length === 0 ? 'default' : named;
}

function hookFacts(hook: HookReference): JsonObject {
  if (hook.kind === 'named') return { name: hook.name, args: hook.args };
  return { class: hook.class, from: hook.file ?? hook.module ?? null, args: hook.args };
}

function stateFacts(
  state: CompiledMachine['states'] extends ReadonlyMap<string, infer S> ? S : never,
): JsonObject {
  return {
    ...(state.final ? { final: true } : {}),
    ...(state.action === null ? {} : { action: state.action }),
    ...(state.timeout === null ? {} : { timeout: state.timeout }),
    ...(state.transitions.length === 0
      ? {}
      : {
          transitions: state.transitions.map(({ source, to }) =>
            source === null ? { to } : { if: source, to },
          ),
        }),
    ...(state.unbuilt.length === 0 ? {} : { not_built: [...state.unbuilt] }),
  };
}
