import type { BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import type { HookFactory, MachineHooks } from '../../src/execution/interfaces.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { builtinHooks } from '../../src/library/builtin-hooks.ts';
import type { FlatMachineOptions } from '../../src/library/options.ts';
import type { JsonObject } from '../../src/types.ts';

/** A machine from the inside of its `data`. */
export function machineOf(data: JsonObject): JsonObject {
  return { spec: 'flatmachine', spec_version: '1.0.0', data: { name: 'test', ...data } };
}

/** Loads a machine whose `hooks: test` are these, on a memory store unless told otherwise. */
export async function load(
  data: JsonObject,
  hooks: MachineHooks | HookFactory = {},
  options: FlatMachineOptions = {},
): Promise<FlatMachine> {
  const registry = builtinHooks();
  registry.register({
    name: 'test',
    actions: null,
    load: async () => (typeof hooks === 'function' ? hooks : () => hooks),
  });
  return FlatMachine.load(machineOf({ hooks: 'test', ...data }), {
    hooks: registry,
    backend: 'memory',
    ...options,
  });
}

/** A store in memory that several machines of one test can share. */
export function memory(): Promise<BackendSet> {
  return openBackends('memory', {});
}
