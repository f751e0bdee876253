import { toError } from '../errors.ts';
import type { ExecutionEvent } from '../events.ts';
import type { HookEnvironment, MachineHooks, RunHooks } from '../execution/interfaces.ts';
import { canonicalJson } from '../json.ts';
import type { CompiledMachine, HookReference } from '../machine/interfaces.ts';
import { compositeHooks, NO_HOOKS, tellAll } from './composite.ts';
import type { HookRegistry } from './registry.ts';

/** What runs when a machine names no hooks anywhere. */
const NO_RUN_HOOKS: RunHooks = Object.freeze({
  machine: NO_HOOKS,
  forState: () => NO_HOOKS,
  check: async () => {},
  onExecutionEnd: async () => {},
  close: async () => {},
});

/**
 * Makes all hooks of one execution: the machine's, its lifecycle hooks (of which only `onMachineStart`, `onMachineEnd`, `onExecutionEnd` and `close`
 * are called) and those of its states, which come after the machine's. The same reference, by name or class and arguments, is one
 * instance wherever it stands, and is called once. If one cannot be made, those made before are closed again.
 * @throws FlatMachineError `hook-load`, or what a hook's factory throws, e.g. `missing-package`
 */
export async function createRunHooks(
  registry: HookRegistry,
  machine: CompiledMachine,
  environment: HookEnvironment,
): Promise<RunHooks> {
  const references = namedHooks(machine);
  if (references.length === 0) return NO_RUN_HOOKS;
  const instances = new Map<string, MachineHooks>();
  try {
    for (const reference of references) {
      const key = keyOf(reference);
      if (!instances.has(key)) instances.set(key, await registry.make(reference, environment));
    }
  } catch (error) {
    await Promise.allSettled([tellAll([...instances.values()], (hooks) => hooks.close?.())]);
    throw error;
  }
  const made = (references: readonly HookReference[]) => [
    ...new Set(references.map((reference) => instances.get(keyOf(reference)) as MachineHooks)),
  ];
  return assemble(machine, made, [...instances.values()], environment);
}

/** Every reference in the machine, in the order the hooks are made. */
function namedHooks(machine: CompiledMachine): HookReference[] {
  const references = [...machine.hooks, ...machine.lifecycleHooks];
  for (const { hooks } of machine.states.values()) if (hooks.length > 0) references.push(...hooks);
  return references;
}

/** What makes two references the same hooks. */
function keyOf(reference: HookReference): string {
  const { location: _, ...facts } = reference;
  return canonicalJson(facts);
}

function assemble(
  machine: CompiledMachine,
  made: (references: readonly HookReference[]) => MachineHooks[],
  all: readonly MachineHooks[],
  environment: HookEnvironment,
): RunHooks {
  const base = made(machine.hooks);
  const lifecycle = made(machine.lifecycleHooks).filter((hooks) => !base.includes(hooks));
  const everywhere = compositeHooks(base);
  const byState = new Map<string, MachineHooks>();
  const listeners = new Map<MachineHooks, Set<string> | 'everywhere'>();
  for (const hooks of base) listeners.set(hooks, 'everywhere');
  for (const { name, hooks } of machine.states.values()) {
    const own = made(hooks).filter((instance) => !base.includes(instance));
    if (own.length === 0) continue;
    byState.set(name, compositeHooks([...base, ...own]));
    for (const instance of own) {
      const states = listeners.get(instance) ?? new Set();
      if (states !== 'everywhere') listeners.set(instance, states.add(name));
    }
  }
  const onEvent = eventDispatcher(listeners, environment);
  return {
    machine: lifecycle.length === 0 ? everywhere : compositeHooks([...base, ...lifecycle.map(startAndEnd)]),
    forState: (state) => byState.get(state) ?? everywhere,
    ...(onEvent === null ? {} : { onEvent }),
    check: () => tellAll(all, (hooks) => hooks.check?.()),
    onExecutionEnd: (executionId, status) =>
      tellAll(all, (hooks) => hooks.onExecutionEnd?.(executionId, status)),
    close: () => tellAll(all, (hooks) => hooks.close?.()),
  };
}

/** Of lifecycle hooks nothing else is called while the machine runs. */
function startAndEnd(hooks: MachineHooks): MachineHooks {
  const both: MachineHooks = {};
  if (hooks.onMachineStart) both.onMachineStart = (context) => hooks.onMachineStart?.(context);
  if (hooks.onMachineEnd) both.onMachineEnd = (context, output) => hooks.onMachineEnd?.(context, output);
  return both;
}

/** Hands events to those who listen; null = nobody does. */
function eventDispatcher(
  listeners: ReadonlyMap<MachineHooks, ReadonlySet<string> | 'everywhere'>,
  environment: HookEnvironment,
): ((event: ExecutionEvent) => void) | null {
  const told = new Map([...listeners].filter(([hooks]) => hooks.onEvent !== undefined));
  if (told.size === 0) return null;
  const drop = (hooks: MachineHooks, thrown: unknown): void => {
    if (!told.delete(hooks)) return;
    const message = `hooks: onEvent threw and is told of nothing more: ${toError(thrown).message}`;
    environment.emit({ type: 'log', level: 'warn', message });
  };
  return (event) => {
    for (const [hooks, states] of told) {
      if (states !== 'everywhere' && (event.state === undefined || !states.has(event.state))) continue;
      try {
        const returned: unknown = hooks.onEvent?.(event);
        // One that is asynchronous against its interface must not bring the process down.
        if (returned instanceof Promise) returned.catch((thrown: unknown) => drop(hooks, thrown));
      } catch (thrown) {
        drop(hooks, thrown);
      }
    }
  };
}
