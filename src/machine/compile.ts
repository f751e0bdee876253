import { hashJson, isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { compileHooks } from './compile-hooks.ts';
import { compileState } from './compile-state.ts';
import { compile, type Dialect } from './compile-value.ts';
import { DEFAULT_SPEC_VERSION, expressionEngine, templateMode } from './dialect.ts';
import type { FlatMachine, MachineData } from './generated/types.ts';
import type {
  AgentDefinition,
  CompiledMachine,
  CompiledState,
  MachineSettings,
  PersistenceSettings,
  Scope,
} from './interfaces.ts';
import { DEFAULT_MAX_DEPTH } from './lint/depth.ts';
import type { LoadedMachine } from './load.ts';

/** What stands around a machine that is compiled. */
export interface Surroundings {
  /** Its children, filled in once they are compiled too: a machine may be its own descendant. */
  readonly machines: ReadonlyMap<string, CompiledMachine>;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** See {@link CompiledMachine.path}. */
  readonly path: readonly string[];
}

/** Turns one machine, which has passed the linter, into closures. */
export function compileOne(loaded: LoadedMachine, around: Surroundings): CompiledMachine {
  const config = loaded.config as JsonObject;
  // The linter has held it against the schema that the types are made from.
  const { data, spec_version } = config as unknown as FlatMachine;
  const map = config.data as JsonObject;
  const engine = expressionEngine(map);
  const dialect: Dialect = { engine, mode: templateMode(spec_version, map), loaded };
  const states = new Map<string, CompiledState>();
  for (const [name, state] of Object.entries(data.states)) {
    states.set(name, compileState(name, state, ['data', 'states', name], dialect));
  }
  return {
    name: data.name ?? loaded.defaultName,
    specVersion: spec_version ?? DEFAULT_SPEC_VERSION,
    file: loaded.file,
    dir: loaded.dir,
    configHash: configHash(config, around.agents),
    config,
    initial: initialState(data),
    states,
    context: compileContext((map.context ?? {}) as JsonObject, dialect),
    settings: compileSettings(data.settings, map.settings),
    persistence: compilePersistence(data.persistence),
    hooks: compileHooks(data.hooks, ['data', 'hooks'], loaded),
    lifecycleHooks: compileHooks(data.lifecycle_hooks, ['data', 'lifecycle_hooks'], loaded),
    ...around,
  };
}

/** What the files of agents, prompts and profiles hold is part of what a machine is: a changed prompt is drift. */
function configHash(config: JsonObject, agents: ReadonlyMap<string, AgentDefinition>): string {
  if (agents.size === 0) return hashJson(config);
  const [first] = agents.values();
  return hashJson([
    config,
    [...agents.values()].map((agent) => [agent.name, agent.config]),
    first?.profiles ?? null,
  ]);
}

function initialState(data: MachineData): string {
  const names = Object.keys(data.states);
  const typed = names.find((name) => data.states[name]?.type === 'initial');
  return typed ?? (Object.hasOwn(data.states, 'start') ? 'start' : (names[0] as string));
}

function compileContext(context: JsonObject, dialect: Dialect): (scope: Scope) => JsonObject {
  const render = compile(context, ['data', 'context'], dialect);
  return (scope) => render({ context: {}, input: scope.input }) as JsonObject;
}

function compileSettings(
  settings: MachineData['settings'] = {},
  map: JsonValue | undefined,
): MachineSettings {
  const backends = isJsonObject(map) && isJsonObject(map.backends) ? map.backends : {};
  return {
    max_steps: settings.max_steps ?? 1000,
    bounds_tree: settings.max_steps !== undefined,
    max_depth: settings.max_depth ?? DEFAULT_MAX_DEPTH,
    max_concurrency: settings.max_concurrency ?? 16,
    max_agent_calls: settings.max_agent_calls ?? null,
    max_cost: settings.max_cost ?? null,
    heartbeat_interval: settings.heartbeat_interval ?? 30,
    backends,
  };
}

function compilePersistence(persistence: MachineData['persistence'] = {}): PersistenceSettings {
  return {
    enabled: persistence.enabled ?? true,
    backend: persistence.backend ?? null,
    db_path: persistence.db_path ?? null,
    checkpoint_on: persistence.checkpoint_on ?? [],
    keep: (persistence.keep as number | 'all' | undefined) ?? null,
  };
}
