import { pathToFileURL } from 'node:url';
import { FlatMachineError } from '../errors.ts';
import type { MachineHooks } from '../execution/interfaces.ts';
import type { HookReference } from '../machine/interfaces.ts';
import { resolveModule } from './resolve-module.ts';

type ClassReference = Extract<HookReference, { kind: 'class' }>;

/**
 * Loads `hooks: {file | module, class, args}` (FlatMachine 1.0.0): imports the ES or CommonJS module and constructs the class
 * with `args`. A class is looked for among the named exports, then as the default export.
 * @throws FlatMachineError `hook-load`
 */
export async function loadHookClass(reference: ClassReference, machineDir: string): Promise<MachineHooks> {
  const where = reference.file ?? reference.module ?? '';
  const namespace = (await import(urlOf(reference, machineDir))) as Record<string, unknown>;
  const found = exported(namespace, reference.class);
  if (typeof found !== 'function') {
    throw new FlatMachineError('hook-load', `${where} exports no class "${reference.class}"`);
  }
  const HookClass = found as new (args: unknown) => MachineHooks;
  return new HookClass(reference.args);
}

function exported(namespace: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(namespace, name)) return namespace[name];
  const fallback = namespace.default;
  if (typeof fallback === 'function' && fallback.name === name) return fallback;
  return typeof fallback === 'object' && fallback !== null && Object.hasOwn(fallback, name)
    ? (fallback as Record<string, unknown>)[name]
    : undefined;
}

function urlOf(reference: ClassReference, machineDir: string): string {
  if (reference.file !== undefined) return pathToFileURL(reference.file).href;
  return resolveModule(reference.module ?? '', machineDir);
}
