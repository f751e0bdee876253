import { FlatMachine } from '../src/flatmachine.ts';
import { builtinHooks } from '../src/library/builtin-hooks.ts';
import type { JsonObject } from '../src/types.ts';
import { compare } from './measure.ts';

const STEPS = 10_000;

async function machine(withTemplate: boolean): Promise<FlatMachine> {
  const hooks = builtinHooks();
  hooks.register({
    name: 'bench',
    actions: null,
    load: async () => () => ({
      onAction: (_action, context) => {
        context.n = (context.n as number) + 1;
        return context;
      },
    }),
  });
  const count: JsonObject = {
    type: 'initial',
    action: 'count',
    transitions: [{ condition: `context.n >= ${STEPS}`, to: 'done' }, { to: 'count' }],
  };
  if (withTemplate) count.output_to_context = { text: 'Hello {{ context.name }}, round {{ context.n }}' };
  return FlatMachine.load(
    {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        name: 'bench',
        hooks: 'bench',
        context: { n: 0, name: 'Ada' },
        settings: { max_steps: STEPS + 10 },
        states: { count, done: { type: 'final', output: { n: 'context.n' } } },
      },
    },
    { hooks, backend: 'memory' },
  );
}

async function plainLoop(): Promise<void> {
  const action = async (context: { n: number }) => ({ ...context, n: context.n + 1 });
  let context = { n: 0, name: 'Ada' };
  while (context.n < STEPS) context = { ...context, ...(await action(context)) };
}

const simple = await machine(false);
const templated = await machine(true);
const check = await simple.execute();
if ((check.output as JsonObject).n !== STEPS) throw new Error('the machine did not count');

await compare('steps in memory (durability: none), 10k-step loop with one condition and one action', STEPS, [
  ['plain async JavaScript (the limit)', plainLoop],
  ['flatmachine', async () => void (await simple.execute())],
  ['flatmachine, and one text template per step', async () => void (await templated.execute())],
]);
