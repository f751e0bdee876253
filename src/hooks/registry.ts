import { FlatMachineError, toError } from '../errors.ts';
import type { HookEnvironment, HookFactory, MachineHooks } from '../execution/interfaces.ts';
import type { HookReference } from '../machine/interfaces.ts';
import { compositeHooks, NO_HOOKS } from './composite.ts';
import { loadHookClass } from './load-class.ts';

/** A hook that machines can name. */
export interface NamedHook {
  readonly name: string;
  /** The actions it handles, for the linter; null = any. */
  readonly actions: readonly string[] | null;
  /** Imported only when a machine uses it. */
  readonly load: () => Promise<HookFactory>;
}

/** Hooks by name, and the making of a machine's hooks from what its file says. */
export class HookRegistry {
  readonly #hooks = new Map<string, NamedHook>();

  constructor(hooks: readonly NamedHook[] = []) {
    for (const hook of hooks) this.register(hook);
  }

  /** Adds a hook. @throws FlatMachineError `already-exists` */
  register(hook: NamedHook): void {
    if (this.#hooks.has(hook.name)) {
      throw new FlatMachineError('already-exists', `a hook named "${hook.name}" is registered already`);
    }
    this.#hooks.set(hook.name, hook);
  }

  /** Name → actions, as the linter wants it. */
  known(): ReadonlyMap<string, readonly string[] | null> {
    return new Map([...this.#hooks.values()].map(({ name, actions }) => [name, actions]));
  }

  /** Makes the hooks a machine asks for, as one. @throws FlatMachineError `hook-load` with the place in the file */
  async create(references: readonly HookReference[], environment: HookEnvironment): Promise<MachineHooks> {
    if (references.length === 0) return NO_HOOKS;
    const members: MachineHooks[] = [];
    for (const reference of references) members.push(await this.#one(reference, environment));
    return compositeHooks(members);
  }

  async #one(reference: HookReference, environment: HookEnvironment): Promise<MachineHooks> {
    try {
      if (reference.kind === 'class') return await loadHookClass(reference, environment.machineDir);
      const hook = this.#hooks.get(reference.name);
      if (hook === undefined) {
        const names = [...this.#hooks.keys()].sort().join(', ');
        throw new FlatMachineError('hook-load', `there is no hook "${reference.name}"; there are: ${names}`);
      }
      const factory = await hook.load();
      return await factory(reference.args, environment);
    } catch (thrown) {
      const cause = toError(thrown);
      if (cause instanceof FlatMachineError && cause.code !== 'hook-load') throw cause;
      throw new FlatMachineError('hook-load', `cannot load the hooks: ${cause.message}`, {
        cause,
        location: reference.location,
      });
    }
  }
}

/** The hooks that this floor brings. */
export const BASIC_HOOKS: readonly NamedHook[] = [
  { name: 'logging', actions: [], load: async () => (await import('./logging.ts')).loggingHooks },
  { name: 'webhook', actions: [], load: async () => (await import('./webhook.ts')).webhookHooks },
];
