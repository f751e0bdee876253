import { describe, expect, it } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

const hooks: MachineHooks = {
  onAction: (_action, _context, call) =>
    new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason))),
};
const machines = {
  double: machineOf({
    name: 'double',
    states: { done: { type: 'final', output: { n: '{{ input.n * 2 }}' } } },
  }),
  hang: machineOf({
    name: 'hang',
    hooks: 'test',
    states: { go: { action: 'x', transitions: [{ to: 'end' }] }, end: { type: 'final' } },
  }),
};
const states = { only: { machine: 'double', transitions: [{ to: 'end' }] }, end: { type: 'final' } };

describe('a machine invoker', () => {
  it('runs a child by name and gives its output', async () => {
    const machine = await load({ machines, states }, hooks);
    expect(await machine.invoker().invoke('double', { n: 4 })).toEqual({ n: 8 });
    await expect(machine.invoker().invoke('triple', {})).rejects.toMatchObject({ code: 'not-found' });
  });

  it('ends a child that runs past its timeout', async () => {
    const backend = await memory();
    const machine = await load({ machines, states }, hooks, { backend });
    await expect(machine.invoker().invoke('hang', {}, { timeout: 0.1 })).rejects.toMatchObject({
      code: 'timeout',
    });
    expect((await backend.persistence.executions({})).map(({ status }) => status)).toEqual(['cancelled']);
  });

  it('launches a child, which is stored once its id is known', async () => {
    const backend = await memory();
    const machine = await load({ machines, states }, hooks, { backend });
    const id = await machine.invoker().launch('double', { n: 1 });
    expect(await backend.persistence.latest(id)).not.toBeNull();
    await machine.settled();
    expect(await backend.results.read(`flatagents://${id}/result`)).toEqual({ n: 2 });
  });
});
