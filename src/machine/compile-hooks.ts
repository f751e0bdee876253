import { resolve } from 'node:path';
import type { JsonObject } from '../types.ts';
import type { Hooks } from './generated/types.ts';
import type { HookReference } from './interfaces.ts';
import type { LoadedMachine } from './load.ts';
import type { ConfigPath } from './source-map.ts';

type HookForm = Exclude<Hooks, unknown[]>;

/** The hooks a field names, in order, whichever form they are written in. */
export function compileHooks(
  hooks: Hooks | undefined,
  path: ConfigPath,
  loaded: LoadedMachine,
): HookReference[] {
  if (hooks === undefined) return [];
  if (Array.isArray(hooks)) return hooks.map((hook, i) => compileHook(hook, [...path, i], loaded));
  return [compileHook(hooks, path, loaded)];
}

function compileHook(hook: HookForm, path: ConfigPath, loaded: LoadedMachine): HookReference {
  const location = loaded.locate(path);
  if (typeof hook === 'string') return { kind: 'named', name: hook, args: {}, location };
  const args = (hook.args ?? {}) as JsonObject;
  if (hook.name !== undefined) return { kind: 'named', name: hook.name, args, location };
  const common = { kind: 'class', class: hook.class as string, args, location } as const;
  return hook.file === undefined
    ? { ...common, module: hook.module as string }
    : { ...common, file: resolve(loaded.dir, hook.file) };
}
