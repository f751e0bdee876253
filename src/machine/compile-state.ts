import { FlatMachineError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { compileHooks } from './compile-hooks.ts';
import { compileCondition, type ExpressionEngine } from './expressions/condition.ts';
import { compileValue, type TemplateMode } from './expressions/template.ts';
import type { State, Transition } from './generated/types.ts';
import type { CompiledState, CompiledTransition, Render, Scope } from './interfaces.ts';
import type { LoadedMachine } from './load.ts';
import type { ConfigPath } from './source-map.ts';

/** How the texts of a machine are read. */
export interface Dialect {
  readonly engine: ExpressionEngine;
  readonly mode: TemplateMode;
  readonly loaded: LoadedMachine;
}

/** Fields that this version reads and checks but cannot run yet. */
const UNBUILT = [
  'agent',
  'execution',
  'sampling',
  'session_id',
  'tool_loop',
  'machine',
  'foreach',
  'launch',
  'wait_for',
] as const satisfies readonly (keyof State)[];

/** One state as closures. The state must have passed the linter. */
export function compileState(name: string, state: State, path: ConfigPath, dialect: Dialect): CompiledState {
  const { loaded } = dialect;
  const outputs = (state.output_to_context ?? {}) as JsonObject;
  return {
    name,
    final: state.type === 'final',
    action: state.action ?? null,
    input:
      state.input === undefined
        ? null
        : compileInput(name, state.input as JsonValue, [...path, 'input'], dialect),
    outputToContext: Object.keys(outputs).map((key) => [
      key,
      compile(outputs[key] as JsonValue, [...path, 'output_to_context', key], dialect),
    ]),
    output:
      state.type === 'final' && state.output !== undefined
        ? compile(state.output as JsonValue, [...path, 'output'], dialect)
        : null,
    timeout: state.timeout ?? null,
    onError: compileOnError(state.on_error),
    transitions: (state.transitions ?? []).map((transition, i) =>
      compileTransition(transition, [...path, 'transitions', i], dialect),
    ),
    hooks: compileHooks(state.hooks, [...path, 'hooks'], loaded),
    unbuilt: UNBUILT.filter((field) => state[field] !== undefined),
    location: loaded.locate(path, 'key'),
  };
}

function compile(value: JsonValue, path: ConfigPath, { mode, loaded }: Dialect): Render {
  return compileValue(value, mode, (inner) => loaded.locate([...path, ...inner], 'text'));
}

function compileInput(
  state: string,
  value: JsonValue,
  path: ConfigPath,
  dialect: Dialect,
): (scope: Scope) => JsonObject {
  const render = compile(value, path, dialect);
  const location = dialect.loaded.locate(path);
  return (scope) => {
    const input = render(scope);
    if (isJsonObject(input)) return input;
    const is = Array.isArray(input) ? 'a list' : input === null ? 'null' : `a ${typeof input}`;
    throw new FlatMachineError(
      'template-error',
      `the input of state "${state}" must come to a map, not ${is}`,
      {
        location,
        remedy: 'Point it at a map, or write the map out.',
      },
    );
  };
}

function compileOnError(onError: State['on_error']): CompiledState['onError'] {
  if (onError === undefined) return null;
  if (typeof onError === 'string') return { byType: new Map(), default: onError };
  const byType = new Map(Object.entries(onError));
  const fallback = byType.get('default') ?? null;
  byType.delete('default');
  return { byType, default: fallback };
}

function compileTransition(transition: Transition, path: ConfigPath, dialect: Dialect): CompiledTransition {
  const { condition, to } = transition;
  if (condition === undefined || condition === true) return { condition: null, source: null, to };
  const at = dialect.loaded.locate([...path, 'condition'], 'text');
  return { condition: compileCondition(dialect.engine, condition, at), source: String(condition), to };
}
