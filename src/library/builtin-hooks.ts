import { BASIC_HOOKS, HookRegistry } from '../hooks/registry.ts';
import { ROLLOUT_ACTIONS } from '../rollout/actions.ts';
import type { RunnerOpener } from '../rollout/hooks.ts';

/**
 * The hooks that every machine may name: `logging`, `webhook`, `metrics`, `distributed-worker`, `rollout`.
 * @param options.openRunner where the runners of `rollout` come from; default: the built-in ones
 */
export function builtinHooks(options: { openRunner?: RunnerOpener } = {}): HookRegistry {
  return new HookRegistry([
    ...BASIC_HOOKS,
    {
      name: 'rollout',
      actions: ROLLOUT_ACTIONS,
      load: async () => (await import('../rollout/hooks.ts')).rolloutHooks(options.openRunner),
    },
  ]);
}
