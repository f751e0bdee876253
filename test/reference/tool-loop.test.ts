import { describe, expect, it } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';
import { oneState, script } from './helpers.ts';

const ask = (...tools: string[]): JsonObject => ({
  tool_calls: tools.map((tool) => ({ tool, arguments: {} })),
});

/** Hooks with tools `look`, `poke` and `set`, which say what was done. */
function tools(ran: string[], onRun: (name: string) => void = () => {}): MachineHooks {
  const tool = (name: string) => ({
    name,
    description: name,
    parameters: { type: 'object' },
    run: () => {
      ran.push(name);
      onRun(name);
      return { content: `${name} is done`, ...(name === 'set' ? { context: { found: true } } : {}) };
    },
  });
  return { tools: () => ['look', 'poke', 'set'].map(tool) };
}

const loop = (answers: JsonValue[], tool_loop: JsonValue, state: JsonObject = {}) =>
  oneState(
    { agent: 'writer', tool_loop, ...state },
    { agents: { writer: script(...answers) }, context: { found: false } },
  );

describe('tool loops and machine facts', () => {
  it('case 90: deny wins over allow; limits end with one last answer; a condition ends the loop; a resume repeats nothing', async () => {
    const ran: string[] = [];
    const filtered = await load(
      loop([ask('look', 'poke', 'set'), 'enough'], {
        allowed_tools: ['look', 'poke'],
        denied_tools: ['poke'],
      }),
      tools(ran),
    );
    expect((await filtered.execute()).output).toMatchObject({ content: 'enough', stop: 'answer' });
    expect(ran.splice(0)).toEqual(['look']);

    const bounded = await load(
      loop([ask('look'), ask('look'), ask('look'), 'last word'], { max_tool_calls: 2 }),
      tools(ran),
    );
    expect((await bounded.execute()).output).toMatchObject({
      content: 'last word',
      stop: 'max_tool_calls',
      tool_calls: 2,
    });
    expect(ran.splice(0)).toEqual(['look', 'look']);

    const leaving = await load(
      loop([ask('look'), ask('set'), ask('poke'), 'too late'], true, {
        transitions: [{ condition: 'context.found', to: 'end' }, { to: 'end' }],
      }),
      tools(ran),
    );
    expect((await leaving.execute()).output).toMatchObject({ stop: 'transition' });
    expect(ran.splice(0)).toEqual(['look', 'set']);

    const stop = new AbortController();
    const resumed = await load(
      loop([ask('look'), ask('poke'), 'after all'], true),
      tools(ran, (name) => name === 'poke' && stop.abort()),
    );
    expect(await resumed.execute({}, { id: 'r', signal: stop.signal })).toMatchObject({
      status: 'interrupted',
      state: 'a',
    });
    const before = [...ran];
    expect(await resumed.resume('r')).toMatchObject({
      status: 'completed',
      output: { content: 'after all', turn: 3 },
    });
    expect(ran.filter((name) => name === 'look')).toHaveLength(1);
    expect(before).toEqual(['look', 'poke']);
    expect((await resumed.backends.persistence.latest('r'))?.context).toEqual({
      found: false,
      out: expect.anything(),
    });
  });

  it('case 91: context.machine: right, read-only, restored by a resume, plain JSON', async () => {
    const hooks: MachineHooks = {
      onAction: (_action, context) => {
        (context.machine as JsonObject).step = 99;
        return { ...context, touched: true };
      },
    };
    const machine = await load(
      {
        states: {
          a: {
            type: 'initial',
            action: 'x',
            output_to_context: { first: '{{ context.machine }}' },
            transitions: [{ to: 'end' }],
          },
          end: {
            type: 'final',
            output: {
              first: 'context.first',
              last: 'context.machine',
              text: '{{ context.machine | tojson }}',
            },
          },
        },
      },
      hooks,
    );
    await machine.execute({}, { id: 'm', parentId: 'root', maxSteps: 1 });
    const { output } = await machine.resume('m', { maxSteps: 5 });
    const facts = {
      execution_id: 'm',
      machine_name: 'test',
      parent_execution_id: 'root',
      spec_version: '1.0.0',
      total_api_calls: 0,
      total_cost: 0,
      depth: 0,
    };
    const { first, last, text } = output as { first: JsonObject; last: JsonObject; text: string };
    expect(first).toEqual({ ...facts, step: 1, current_state: 'a' });
    expect(last).toEqual({ ...facts, step: 2, current_state: 'end' });
    expect(JSON.parse(text)).toEqual(last);
    expect((await machine.backends.persistence.latest('m'))?.context).not.toHaveProperty('machine');
  });
});
