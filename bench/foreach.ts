import { FlatMachine } from '../src/flatmachine.ts';
import type { JsonObject } from '../src/types.ts';
import { compare } from './measure.ts';

const CHILDREN = 1000;

/** One state that runs a child of one final state per item. */
async function machine(backend: string): Promise<FlatMachine> {
  const child: JsonObject = {
    spec: 'flatmachine',
    spec_version: '1.0.0',
    data: { name: 'child', states: { done: { type: 'final', output: { n: '{{ input.n * 2 }}' } } } },
  };
  return FlatMachine.load(
    {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        name: 'bench',
        machines: { child },
        context: { all: null },
        states: {
          all: {
            foreach: 'input.items',
            machine: 'child',
            input: { n: 'item' },
            output_to_context: { all: 'output' },
            transitions: [{ to: 'done' }],
          },
          done: { type: 'final', output: { count: '{{ context.all | length }}' } },
        },
      },
    },
    { backend },
  );
}

const items = Array.from({ length: CHILDREN }, (_, i) => i);
const memory = await machine('memory');
const check = await memory.execute({ items });
if ((check.output as JsonObject).count !== CHILDREN) throw new Error('children are missing');

async function plain(): Promise<void> {
  const child = async (n: number) => ({ n: n * 2 });
  await Promise.all(items.map(child));
}

await compare('inline children in memory (durability: none), foreach over 1,000', CHILDREN, [
  ['plain async calls (the limit)', plain],
  ['flatmachine', async () => void (await memory.execute({ items }))],
]);
