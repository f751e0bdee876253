import { FlatMachineError, toError } from '../errors.ts';
import type { HookEnvironment, HookFactory, MachineHooks } from '../execution/interfaces.ts';
import { toJson } from '../json.ts';
import { didYouMean } from '../machine/expressions/suggest.ts';
import type { HookReference } from '../machine/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { WORKER_ACTIONS } from './distributed-worker-actions.ts';
import { loadHookClass } from './load-class.ts';

/** A hook that machines can name. */
export interface NamedHook {
  readonly name: string;
  /** The actions it handles, for the linter; null = any. */
  readonly actions: readonly string[] | null;
  /** Imported only when a machine uses it. */
  readonly load: () => Promise<HookFactory>;
}

/** Hooks by name, and the making of hooks from what a machine's file says. */
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

  /**
   * Makes one hook.
   * @throws FlatMachineError `hook-load` with the place in the file; other errors of ours that a factory throws, e.g. `missing-package`, pass as they are
   */
  async make(reference: HookReference, environment: HookEnvironment): Promise<MachineHooks> {
    const { location } = reference;
    try {
      // Their own copy: what they do to it must not show in the next execution of the machine.
      const args = toJson(reference.args) as JsonObject;
      if (reference.kind === 'class') {
        return await loadHookClass({ ...reference, args }, environment.machineDir);
      }
      const factory = await this.#named(reference.name).load();
      return await factory(args, environment);
    } catch (thrown) {
      const cause = toError(thrown);
      if (!(cause instanceof FlatMachineError)) {
        const message = `the hooks ${nameOf(reference)} cannot be made: ${cause.message}`;
        throw new FlatMachineError('hook-load', message, { cause, location });
      }
      if (cause.code !== 'hook-load' || cause.location !== undefined) throw cause;
      const { remedy } = cause;
      throw new FlatMachineError('hook-load', cause.message, { cause: cause.cause, remedy, location });
    }
  }

  #named(name: string): NamedHook {
    const hook = this.#hooks.get(name);
    if (hook !== undefined) return hook;
    const names = [...this.#hooks.keys()].sort();
    throw new FlatMachineError('hook-load', `there is no hook "${name}"`, {
      remedy: didYouMean(name, names, `The hooks are ${names.join(', ')}; others must be registered.`),
    });
  }
}

function nameOf(reference: HookReference): string {
  if (reference.kind === 'named') return `"${reference.name}"`;
  return `${reference.class} of ${reference.file ?? reference.module}`;
}

/** The hooks that this floor brings. */
export const BASIC_HOOKS: readonly NamedHook[] = [
  { name: 'logging', actions: [], load: async () => (await import('./logging.ts')).loggingHooks },
  { name: 'webhook', actions: [], load: async () => (await import('./webhook.ts')).webhookHooks },
  { name: 'metrics', actions: [], load: async () => (await import('./metrics.ts')).metricsHooks },
  {
    name: 'distributed-worker',
    actions: WORKER_ACTIONS,
    load: async () => (await import('./distributed-worker.ts')).distributedWorkerHooks,
  },
];
