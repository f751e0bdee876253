import { describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonValue } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';
import { END, outputOf, run } from './helpers.ts';

const script = (...answers: JsonValue[]) => ({ type: 'script', config: { answers } });

describe('loop, limits, outputs', () => {
  it('case 31 (decided): the order of a step, which ends with its one commit', async () => {
    const order: string[] = [];
    const hooks: MachineHooks = {
      onStateEnter: (state) => void order.push(`enter ${state}`),
      onAction: (action) => {
        order.push(`action ${action}`);
        return { output: { from: 'action' } };
      },
      onStateExit: (state) => void order.push(`exit ${state}`),
      onTransition: (from, to) => void order.push(`${from} to ${to}`),
    };
    const machine = await load(
      {
        agents: { writer: script('text') },
        machines: {
          child: {
            spec: 'flatmachine',
            spec_version: '1.0.0',
            data: { states: { end: { type: 'final', output: { from: 'child' } } } },
          },
        },
        states: {
          a: {
            type: 'initial',
            action: 'x',
            launch: 'child',
            machine: 'child',
            agent: 'writer',
            output_to_context: { last: 'output' },
            transitions: [{ to: 'end' }],
          },
          end: END,
        },
      },
      hooks,
    );
    const told = new Set(['launch', 'child_start', 'agent_call', 'step_commit']);
    const onEvent = (event: ExecutionEvent) => {
      if (event.execution_id === 'order' && told.has(event.type) && event.step === 1) order.push(event.type);
    };
    expect((await machine.execute({}, { id: 'order', onEvent })).output).toEqual({
      last: { content: 'text' },
    });
    const steps = order.slice(0, order.indexOf('step_commit') + 1);
    expect(steps).toEqual([
      'enter a',
      'action x',
      'launch',
      'child_start',
      'agent_call',
      'exit a',
      'a to end',
      'step_commit',
    ]);
  });

  it('case 32: hooks redirect, replace the context and the output', async () => {
    const states = {
      a: { type: 'initial', transitions: [{ to: 'b' }] },
      b: { type: 'final', output: { at: 'b' } },
      c: { type: 'final', output: { at: 'c', seen: 'context.seen' } },
    };
    const hooks: MachineHooks = {
      onStateEnter: (_state, context) => ({ ...context, seen: 1 }),
      onTransition: () => 'c',
      onMachineEnd: (_context, output) => ({ was: output }),
    };
    // `c` is reached by the hook alone, so the linter warns of it.
    expect(await outputOf({ states }, {}, hooks)).toEqual({ was: { at: 'c', seen: 1 } });
  });

  it('case 33: what a final state gives back', async () => {
    expect(
      await outputOf({ states: { end: { type: 'final', output: { n: '{{ input.n }}' } } } }, { n: 1 }),
    ).toEqual({ n: 1 });
    const agents = { writer: script({ output: { said: 'hi' } }) };
    expect(await outputOf({ agents, states: { end: { type: 'final', agent: 'writer' } } })).toEqual({
      said: 'hi',
    });
    expect(await outputOf({ states: { end: { type: 'final' } } })).toEqual({});
  });

  it('case 34: a loop stops after exactly max_steps and goes on with more', async () => {
    const machine = await load({
      context: { n: 0 },
      settings: { max_steps: 3 },
      states: {
        a: {
          type: 'initial',
          output_to_context: { n: '{{ context.n + 1 }}' },
          transitions: [{ condition: 'context.n == 5', to: 'end' }, { to: 'a' }],
        },
        end: END,
      },
    });
    expect(await machine.execute({}, { id: 'x' })).toMatchObject({
      status: 'limit',
      step: 3,
      context: { n: 3 },
    });
    expect(await machine.resume('x', { maxSteps: 9 })).toMatchObject({
      status: 'completed',
      output: { n: 5 },
    });
  });

  it('case 35 (decided): the call beyond max_agent_calls is not made; states without calls go on; children and samples count', async () => {
    const asking = (extra: object = {}) => ({ agent: 'writer', ...extra });
    const data = (settings: object) => ({
      settings,
      agents: { writer: script('1', '2', '3', '4') },
      context: { n: 0 },
      states: {
        one: { type: 'initial', ...asking({ output_to_context: { n: 1 } }), transitions: [{ to: 'plain' }] },
        plain: { output_to_context: { n: 2 }, transitions: [{ to: 'two' }] },
        two: { ...asking({ output_to_context: { n: 3 } }), transitions: [{ to: 'end' }] },
        end: END,
      },
    });
    const limited = await run(data({ max_agent_calls: 1 }) as never);
    expect(limited).toMatchObject({ status: 'limit', state: 'two', context: { n: 2 } });
    expect(await outputOf(data({ max_agent_calls: 2 }) as never)).toEqual({ n: 3 });

    const samples = {
      settings: { max_agent_calls: 2 },
      agents: { writer: script('1', '2', '3') },
      states: {
        a: {
          type: 'initial',
          agent: 'writer',
          execution: { type: 'parallel', n_samples: 3 },
          transitions: [{ to: 'end' }],
        },
        end: END,
      },
    };
    expect(await run(samples as never)).toMatchObject({ status: 'limit', state: 'a' });

    const child = {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        agents: { writer: script('1', '2') },
        states: {
          a: { type: 'initial', agent: 'writer', transitions: [{ to: 'b' }] },
          b: { agent: 'writer', transitions: [{ to: 'end' }] },
          end: { type: 'final' },
        },
      },
    };
    const tree = {
      settings: { max_agent_calls: 1 },
      machines: { child },
      states: { a: { type: 'initial', machine: 'child', transitions: [{ to: 'end' }] }, end: END },
    };
    expect(await run(tree as never)).toMatchObject({ status: 'limit', state: 'a' });
  });

  it('case 36: what onStateExit returns in a final state is the result', async () => {
    const hooks: MachineHooks = { onStateExit: (_state, _context, output) => ({ replaced: output ?? null }) };
    expect(await outputOf({ states: { end: { type: 'final', output: { n: 1 } } } }, {}, hooks)).toEqual({
      replaced: { n: 1 },
    });
  });
});
