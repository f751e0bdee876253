import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Report } from './report.ts';
import type { HookView, MachineView, StateView } from './view.ts';

/** The named hooks there are → the actions each handles; null = it takes any. */
export type KnownHooks = ReadonlyMap<string, readonly string[] | null>;

/** What the caller knows of hooks. */
export interface HookKnowledge {
  /** Absent = names of hooks and actions are not checked. */
  readonly knownHooks?: KnownHooks;
  /** The caller brings hooks of its own, which may handle any action. */
  readonly callerHooks?: boolean;
}

/** Rules `bad-hook`, `hook-file-missing`, `unknown-hook`, `action-without-hooks`, `unknown-action`. */
export function checkHooks(report: Report, machine: MachineView, knowledge: HookKnowledge): void {
  for (const hook of machine.hooks) checkHook(report, hook, knowledge.knownHooks);
  if (knowledge.callerHooks) return;
  for (const state of machine.states.values()) checkAction(report, machine, state, knowledge.knownHooks);
}

function checkHook(report: Report, hook: HookView, known: KnownHooks | undefined): void {
  const { file, module, class: className } = hook.fields;
  const sources = [hook.name, file, module].filter((source) => source !== null && source !== undefined);
  if (sources.length !== 1) {
    const message =
      sources.length === 0 ? 'the hook names nothing to load' : 'the hook names more than one thing to load';
    report.add('bad-hook', hook.path, message, { part: 'key' });
    return;
  }
  if (hook.name === null) {
    if (className === undefined)
      report.add('bad-hook', hook.path, 'the hook does not say which `class` to take', { part: 'key' });
    if (typeof file === 'string' && !existsSync(resolve(report.loaded.dir, file))) {
      report.add('hook-file-missing', [...hook.path, 'file'], `the hook's file ${file} does not exist`);
    }
    return;
  }
  if (className !== undefined)
    report.add('bad-hook', [...hook.path, 'class'], 'a hook with a `name` takes no `class`', { part: 'key' });
  if (known && !known.has(hook.name)) {
    const path = Object.keys(hook.fields).length > 0 ? [...hook.path, 'name'] : hook.path;
    const remedy = report.meant(hook.name, known.keys()) ?? `The hooks are ${[...known.keys()].join(', ')}.`;
    report.add('unknown-hook', path, `there is no hook "${hook.name}"`, { remedy });
  }
}

function checkAction(
  report: Report,
  machine: MachineView,
  state: StateView,
  known: KnownHooks | undefined,
): void {
  const action = state.fields.action;
  if (typeof action !== 'string') return;
  const path = [...state.path, 'action'];
  const hooks = machine.hooks.filter(
    (hook) => !hook.lifecycle && (hook.owner === null || hook.owner === state.name),
  );
  if (hooks.length === 0) {
    report.add('action-without-hooks', path, `no hooks are there to handle the action "${action}"`);
    return;
  }
  const actions: string[] = [];
  for (const { name } of hooks) {
    const own = name === null ? null : known?.get(name);
    if (!own) return;
    actions.push(...own);
  }
  if (actions.includes(action)) return;
  const remedy =
    report.meant(action, actions) ?? (actions.length > 0 ? `They have ${actions.join(', ')}.` : undefined);
  report.add('unknown-action', path, `no hook of the machine handles the action "${action}"`, { remedy });
}
