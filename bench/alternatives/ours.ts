import { FlatMachine } from '../../src/flatmachine.ts';
import { builtinHooks } from '../../src/library/builtin-hooks.ts';
import type { JsonObject } from '../../src/types.ts';
import { CONTEXT } from '../steps.ts';
import type { LoopingGraph } from './langgraph.ts';

/** A machine of one state that is looped over, whole: engine, lease, fenced steps with their events. */
export async function loopingMachine(backend: string): Promise<LoopingGraph> {
  const hooks = builtinHooks();
  hooks.register({
    name: 'bench',
    actions: null,
    load: async () => () => ({
      onAction: (_action, context) => ({ ...context, n: (context.n as number) + 1, text: CONTEXT.text }),
    }),
  });
  const loop = {
    type: 'initial',
    action: 'count',
    transitions: [{ condition: 'context.n >= context.last', to: 'done' }, { to: 'loop' }],
  };
  const machine = await FlatMachine.load(
    {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        name: 'bench',
        hooks: 'bench',
        context: { ...CONTEXT, last: '{{ input.last }}' },
        settings: { max_steps: 1_000_000 },
        states: { loop, done: { type: 'final', output: { n: 'context.n' } } },
      },
    },
    { hooks, backend },
  );
  return {
    async run(steps, executions) {
      const last = steps / executions;
      const ends = await Promise.all(Array.from({ length: executions }, () => machine.execute({ last })));
      if (ends.some(({ output }) => (output as JsonObject | null)?.n !== last))
        throw new Error('a machine did not loop to its end');
    },
    async close() {
      await machine.close();
      await machine.backends.close();
    },
  };
}
