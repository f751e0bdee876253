import { isJsonObject } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { expressionEngine, templateMode } from '../dialect.ts';
import type { ExpressionEngine } from '../expressions/condition.ts';
import type { TemplateMode } from '../expressions/template.ts';
import type { ConfigPath } from '../source-map.ts';

/** One state as the rules see it. */
export interface StateView {
  readonly name: string;
  readonly path: ConfigPath;
  readonly fields: JsonObject;
  readonly final: boolean;
  readonly transitions: readonly TransitionView[];
}

/** One arrow; those of the wrong form are left out, the schema reports them. */
export interface TransitionView {
  readonly path: ConfigPath;
  readonly to: string | null;
  /** null = unconditional. */
  readonly condition: string | boolean | null;
}

/** One machine, the file's own or an inline child, with only what has the right form. */
export interface MachineView {
  /** Path of its `data`. */
  readonly path: ConfigPath;
  readonly data: JsonObject;
  readonly states: ReadonlyMap<string, StateView>;
  readonly initials: readonly StateView[];
  readonly engine: ExpressionEngine;
  readonly mode: TemplateMode;
  readonly hooks: readonly HookView[];
}

/** One reference to a hook. */
export interface HookView {
  readonly path: ConfigPath;
  /** null = a class. */
  readonly name: string | null;
  readonly fields: JsonObject;
  /** The state it belongs to; null = the machine. `lifecycle` hooks handle no actions. */
  readonly owner: string | null;
  readonly lifecycle: boolean;
}

/** The machine of a file, and its inline children at any depth. */
export function viewMachines(config: JsonObject, base: ConfigPath = []): MachineView[] {
  const data = config.data;
  if (!isJsonObject(data)) return [];
  const path = [...base, 'data'];
  const views = [viewMachine(config.spec_version, data, path)];
  for (const [name, child] of entries(data.machines)) {
    const at = [...path, 'machines', name];
    if (!isJsonObject(child)) continue;
    views.push(
      ...(isJsonObject(child.inline)
        ? viewMachines(child.inline, [...at, 'inline'])
        : viewMachines(child, at)),
    );
  }
  return views;
}

function viewMachine(specVersion: JsonValue | undefined, data: JsonObject, path: ConfigPath): MachineView {
  const states = new Map<string, StateView>();
  for (const [name, fields] of entries(data.states)) {
    if (isJsonObject(fields)) states.set(name, viewState(name, fields, [...path, 'states', name]));
  }
  const all = [...states.values()];
  const typed = all.filter((state) => state.fields.type === 'initial');
  const fallback = states.get('start') ?? all[0];
  return {
    path,
    data,
    states,
    initials: typed.length > 0 ? typed : fallback ? [fallback] : [],
    engine: expressionEngine(data),
    mode: templateMode(specVersion, data),
    hooks: [
      ...viewHooks(data.hooks, [...path, 'hooks'], null, false),
      ...viewHooks(data.lifecycle_hooks, [...path, 'lifecycle_hooks'], null, true),
      ...all.flatMap((state) => viewHooks(state.fields.hooks, [...state.path, 'hooks'], state.name, false)),
    ],
  };
}

function viewState(name: string, fields: JsonObject, path: ConfigPath): StateView {
  const list = Array.isArray(fields.transitions) ? fields.transitions : [];
  const transitions: TransitionView[] = [];
  list.forEach((item, i) => {
    if (!isJsonObject(item)) return;
    const condition = item.condition ?? null;
    transitions.push({
      path: [...path, 'transitions', i],
      to: typeof item.to === 'string' ? item.to : null,
      condition: typeof condition === 'string' || typeof condition === 'boolean' ? condition : null,
    });
  });
  return { name, path, fields, final: fields.type === 'final', transitions };
}

function viewHooks(
  value: JsonValue | undefined,
  path: ConfigPath,
  owner: string | null,
  lifecycle: boolean,
): HookView[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) =>
      Array.isArray(item) ? [] : viewHooks(item, [...path, i], owner, lifecycle),
    );
  }
  if (typeof value === 'string') return [{ path, name: value, fields: {}, owner, lifecycle }];
  if (!isJsonObject(value)) return [];
  const name = typeof value.name === 'string' ? value.name : null;
  return [{ path, name, fields: value, owner, lifecycle }];
}

/** The entries of a map; none of anything else. */
export function entries(value: JsonValue | undefined): [string, JsonValue][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** Whether a transition is always taken once it is asked. */
export function isUnconditional(transition: TransitionView): boolean {
  return transition.condition === null || transition.condition === true;
}

/** The states that `on_error` names, with their places. */
export function errorTargets(state: StateView): { to: string; path: ConfigPath }[] {
  const value = state.fields.on_error;
  const path = [...state.path, 'on_error'];
  if (typeof value === 'string') return [{ to: value, path }];
  return entries(value).flatMap(([type, to]) =>
    typeof to === 'string' ? [{ to, path: [...path, type] }] : [],
  );
}
