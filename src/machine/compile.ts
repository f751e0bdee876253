import { FlatMachineError, formatLocation } from '../errors.ts';
import { hashJson, isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { compileHooks } from './compile-hooks.ts';
import { compileState } from './compile-state.ts';
import { DEFAULT_SPEC_VERSION, expressionEngine, templateMode } from './dialect.ts';
import { compileValue } from './expressions/template.ts';
import type { FlatMachine, MachineData } from './generated/types.ts';
import type {
  CompiledMachine,
  CompiledState,
  Diagnostic,
  MachineSettings,
  PersistenceSettings,
  Scope,
} from './interfaces.ts';
import { type LintOptions, lintMachine } from './lint/lint.ts';
import type { LoadedMachine } from './load.ts';

/** How many errors a message lists in full. */
const LISTED = 5;

/**
 * Turns a machine into closures: running it parses nothing.
 * @param options what the linter may know beside the file
 * @throws FlatMachineError `invalid-machine` when the linter finds errors; `details.diagnostics` holds them all
 */
export async function compileMachine(
  loaded: LoadedMachine,
  options: LintOptions = {},
): Promise<CompiledMachine> {
  const errors = lintMachine(loaded, options).filter((found) => found.severity === 'error');
  if (errors.length > 0) throw invalid(errors);
  const config = loaded.config as JsonObject;
  // The linter has held it against the schema that the types are made from.
  const { data, spec_version } = config as unknown as FlatMachine;
  const map = config.data as JsonObject;
  const engine = expressionEngine(map);
  const dialect = { engine, mode: templateMode(spec_version, map), loaded };
  const states = new Map<string, CompiledState>();
  for (const [name, state] of Object.entries(data.states)) {
    states.set(name, compileState(name, state, ['data', 'states', name], dialect));
  }
  return {
    name: data.name ?? loaded.defaultName,
    specVersion: spec_version ?? DEFAULT_SPEC_VERSION,
    file: loaded.file,
    dir: loaded.dir,
    configHash: hashJson(config),
    config,
    initial: initialState(data),
    states,
    context: compileContext((map.context ?? {}) as JsonObject, dialect),
    settings: compileSettings(data.settings, map.settings),
    persistence: compilePersistence(data.persistence),
    hooks: compileHooks(data.hooks, ['data', 'hooks'], loaded),
    lifecycleHooks: compileHooks(data.lifecycle_hooks, ['data', 'lifecycle_hooks'], loaded),
  };
}

function invalid(errors: readonly Diagnostic[]): FlatMachineError {
  const listed = errors
    .slice(0, LISTED)
    .map(({ location, message }) => `  ${formatLocation(location)}  ${message}`);
  const more = errors.length > LISTED ? [`  and ${errors.length - LISTED} more`] : [];
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`;
  return new FlatMachineError(
    'invalid-machine',
    [`the machine has ${count}:`, ...listed, ...more].join('\n'),
    {
      details: { diagnostics: errors.map((error) => ({ ...error, location: { ...error.location } })) },
      location: errors[0]?.location,
    },
  );
}

function initialState(data: MachineData): string {
  const names = Object.keys(data.states);
  const typed = names.find((name) => data.states[name]?.type === 'initial');
  return typed ?? (Object.hasOwn(data.states, 'start') ? 'start' : (names[0] as string));
}

type Dialect = Parameters<typeof compileState>[3];

function compileContext(context: JsonObject, { mode, loaded }: Dialect): (scope: Scope) => JsonObject {
  const path = ['data', 'context'];
  const render = compileValue(context, mode, (inner) => loaded.locate([...path, ...inner], 'text'));
  return (scope) => render({ context: {}, input: scope.input }) as JsonObject;
}

function compileSettings(
  settings: MachineData['settings'] = {},
  map: JsonValue | undefined,
): MachineSettings {
  const backends = isJsonObject(map) && isJsonObject(map.backends) ? map.backends : {};
  return {
    max_steps: settings.max_steps ?? 1000,
    max_depth: settings.max_depth ?? 10,
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
