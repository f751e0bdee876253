import type { JsonObject, JsonValue } from '../types.ts';
import { compileHooks } from './compile-hooks.ts';
import { compile, compileInput, type Dialect } from './compile-value.ts';
import { compileAgentCall, compileChildren, compileLaunch } from './compile-work.ts';
import { itemNames } from './dialect.ts';
import { compileCondition } from './expressions/condition.ts';
import type { State, Transition } from './generated/types.ts';
import { type CompiledState, type CompiledTransition, STATE_PARTS } from './interfaces.ts';
import type { ConfigPath } from './source-map.ts';

/** One state as closures. The state must have passed the linter. */
export function compileState(name: string, state: State, path: ConfigPath, dialect: Dialect): CompiledState {
  const { loaded } = dialect;
  const outputs = (state.output_to_context ?? {}) as JsonObject;
  const work = {
    action: state.action ?? null,
    launch: compileLaunch(name, state, path, dialect),
    waitFor: state.wait_for === undefined ? null : compile(state.wait_for, [...path, 'wait_for'], dialect),
    children: compileChildren(name, state, path, dialect),
    agent: compileAgentCall(state, path, dialect),
  };
  const has = { ...work, wait_for: work.waitFor };
  return {
    ...work,
    parts: STATE_PARTS.filter((part) => has[part] !== null),
    name,
    final: state.type === 'final',
    input:
      state.input === undefined
        ? null
        : compileInput(name, state.input as JsonValue, [...path, 'input'], dialect, itemNames(state)),
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
    location: loaded.locate(path, 'key'),
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
