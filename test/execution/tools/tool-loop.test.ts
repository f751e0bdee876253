import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import type { MachineHooks } from '../../../src/execution/interfaces.ts';
import { Pause } from '../../../src/execution/pause.ts';
import type { Tool, ToolInvocation, ToolResult } from '../../../src/execution/tools/interfaces.ts';
import type { JsonObject } from '../../../src/types.ts';
import { Killed, type LoopBench, type LoopOptions, loopBench, type Said } from './loop-bench.ts';

const calls = (...asked: (readonly [string, JsonObject | string, string?])[]): Said => ({ calls: asked });

describe('a tool loop', () => {
  let bench: LoopBench;
  let ran: string[];
  beforeEach(() => {
    bench = loopBench();
    ran = [];
  });

  const tool = (
    name: string,
    does?: (args: JsonObject, call: ToolInvocation) => ToolResult | Promise<ToolResult>,
  ): Tool => ({
    name,
    description: name,
    parameters: { type: 'object' },
    run: (args, call) => {
      ran.push(`${name} ${JSON.stringify(args)}`);
      return does?.(args, call) ?? { content: `${name} done` };
    },
  });
  const offering = (...tools: Tool[]): MachineHooks => ({ tools: () => tools });
  /** What the model was told in the last request, tool results and what came after. */
  const told = () =>
    bench.requests
      .at(-1)!
      .messages.flatMap(({ role, content }) => (role === 'tool' || role === 'user' ? [content] : []));

  it('runs the calls of a turn in order, tells the model, and ends with its answer', async () => {
    const slow = tool('slow', async () => {
      await delay(20);
      ran.push('slow is over');
      return { content: 'S' };
    });
    const outcome = await bench.run([calls(['slow', { n: 1 }], ['fast', {}]), 'the answer'], {
      hooks: offering(slow, tool('fast')),
    });
    expect(outcome).toEqual({
      output: { content: 'the answer', turn: 2, tool_calls: 2, stop: 'answer' },
      context: null,
      to: null,
    });
    expect(ran).toEqual(['slow {"n":1}', 'slow is over', 'fast {}']);
    expect(bench.requests[1]!.messages).toEqual([
      { role: 'user', content: 'begin' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'id-0-0', type: 'function', function: { name: 'slow', arguments: '{"n":1}' } },
          { id: 'id-0-1', type: 'function', function: { name: 'fast', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'id-0-0', content: 'S' },
      { role: 'tool', tool_call_id: 'id-0-1', content: 'fast done' },
    ]);
    expect(bench.requests[0]!.tools.map((given) => given.function.name)).toEqual(['slow', 'fast']);
  });

  it('gives the whole trajectory in its events', async () => {
    await bench.run([calls(['t', { a: 1 }], ['t', 'no json']), 'end'], { hooks: offering(tool('t')) });
    expect(bench.events).toMatchObject([
      { type: 'log', data: { messages: [{ role: 'user', content: 'begin' }] } },
      {
        type: 'tool_call',
        tool: 't',
        call: 'tool.0.0',
        call_id: 'id-0-0',
        arguments: { a: 1 },
        is_error: false,
        result: 't done',
      },
      {
        type: 'tool_call',
        call: 'tool.0.1',
        arguments: 'no json',
        is_error: true,
        result: 'the arguments are not a JSON object',
      },
      { type: 'log', data: { turns: 2, tool_calls: 2, stop: 'answer' } },
    ]);
  });

  it('tells the model what went wrong, and goes on', async () => {
    const broken = tool('broken', () => {
      throw new TypeError('no such thing');
    });
    const odd = tool('odd', () => 'text' as unknown as ToolResult);
    const turn = calls(
      ['nobody', {}],
      ['broken', {}],
      ['odd', {}],
      ['denied', {}],
      ['broken', '[1]'],
      ['broken', ''],
    );
    await bench.run([turn, 'end'], {
      hooks: offering(broken, odd, tool('denied')),
      loop: { deniedTools: ['den*'] },
    });
    expect(told().slice(1)).toEqual([
      'there is no tool "nobody"; there are: broken, odd',
      'TypeError: no such thing',
      'HookError: tool "odd" must return {content, is_error?, context?} with a text as content',
      'there is no tool "denied"; there are: broken, odd',
      'the arguments are not a JSON object',
      'TypeError: no such thing',
    ]);
    expect(ran).toEqual(['broken {}', 'odd {}', 'broken {}']);
  });

  it('bounds what the model is told, head and tail', async () => {
    const long = tool('long', () => ({ content: `${'a'.repeat(40_000)}z` }));
    await bench.run([calls(['long', {}]), 'end'], { hooks: offering(long) });
    const [, text] = told();
    expect(text!.length).toBeLessThanOrEqual(30_000);
    expect(text).toMatch(/^a+\n\[\.\.\. 10061 characters left out \.\.\.\]\na+z$/);
  });

  it('stops waiting for a tool at its timeout', async () => {
    let aborted: unknown;
    const hang = tool('hang', (_args, { signal, timeout }) => {
      expect(timeout).toBe(0.05);
      signal.addEventListener('abort', () => {
        aborted = signal.reason;
      });
      return new Promise(() => {});
    });
    await bench.run([calls(['hang', {}]), 'end'], { hooks: offering(hang), loop: { toolTimeout: 0.05 } });
    expect(told()[1]).toBe('TimeoutError: it ran longer than 0.05 s and is no longer waited for');
    expect(aborted).toMatchObject({ code: 'timeout' });
  });

  describe('the tools it offers', () => {
    const names = async (loop: LoopOptions['loop'], more: LoopOptions = {}) => {
      await bench.run(['end'], {
        hooks: offering(tool('one'), tool('two'), tool('x__three')),
        loop: loop!,
        ...more,
      });
      return bench.requests[0]!.tools.map((given) => given.function.name);
    };

    it('are those allowed and not denied; denied wins', async () => {
      expect(await names({ allowedTools: ['one', 'x__*'], deniedTools: ['*three'] })).toEqual(['one']);
    });

    it('come from hooks and agent; the hooks’ own win', async () => {
      const mine = { ...tool('two'), description: 'the agent’s' };
      const executor = { tools: () => [mine, tool('four')] };
      expect(await names({}, { executor })).toEqual(['one', 'two', 'x__three', 'four']);
      expect(bench.requests[0]!.tools[1]!.function.description).toBe('two');
    });

    it('must be there when they are named', async () => {
      const failed = {
        code: 'tool',
        message: expect.stringContaining('onw'),
        remedy: expect.stringContaining('one, two'),
      };
      await expect(names({ allowedTools: ['onw'] })).rejects.toMatchObject(failed);
      await expect(names({ deniedTools: ['onw'] })).rejects.toMatchObject(failed);
      expect(bench.requests).toEqual([]);
    });

    it('have names that providers take, each once', async () => {
      await expect(names({}, { hooks: offering(tool('a b')) })).rejects.toMatchObject({ code: 'tool' });
      await expect(names({}, { hooks: offering(tool('a'), tool('a')) })).rejects.toMatchObject({
        code: 'tool',
      });
    });
  });

  it('refuses an agent that takes no turns', async () => {
    const plain = { open: undefined, turn: undefined } as unknown as NonNullable<LoopOptions['executor']>;
    await expect(bench.run(['end'], { executor: plain })).rejects.toMatchObject({ code: 'usage' });
  });

  describe('its bounds', () => {
    const hooks = () => offering(tool('t'));
    const many: Said[] = [
      calls(['t', { n: 1 }]),
      calls(['t', { n: 2 }], ['t', { n: 3 }]),
      calls(['t', { n: 4 }]),
      'later',
    ];

    const stops = async (loop: LoopOptions['loop'], said: readonly Said[] = many) => {
      const { output } = await bench.run(said, { hooks: hooks(), loop: loop! });
      expect(bench.requests.at(-1)!.tools).toEqual([]);
      return output;
    };

    it('max_turns: what was asked for is run, then the model answers without tools', async () => {
      expect(await stops({ maxTurns: 2 }, [...many.slice(0, 2), 'so far'])).toEqual({
        content: 'so far',
        turn: 2,
        tool_calls: 3,
        stop: 'max_turns',
      });
      expect(told().at(-1)).toBe(
        'Stop here: max_turns is reached, and there are no more tools. Give your final answer now.',
      );
    });

    it('max_tool_calls: the rest is answered, not run', async () => {
      expect(await stops({ maxToolCalls: 2 }, [...many.slice(0, 2), 'so far'])).toMatchObject({
        tool_calls: 2,
        stop: 'max_tool_calls',
      });
      expect(ran).toHaveLength(2);
      expect(told()).toContain('not run: max_tool_calls is reached');
    });

    it('max_cost: what the provider reports counts', async () => {
      const costly: Said[] = [{ calls: [['t', {}]], cost: 0.6 }, { calls: [['t', {}]], cost: 0.6 }, 'so far'];
      expect(await stops({ maxCost: 1 }, costly)).toMatchObject({ turn: 2, stop: 'max_cost' });
    });

    it('total_timeout: no turn and no tool begins after it, counted from the first start', async () => {
      const late = offering(
        tool('t', () => {
          bench.now += 6000;
          return { content: 'x' };
        }),
      );
      const { output } = await bench.run(
        [calls(['t', { n: 1 }], ['t', { n: 2 }], ['t', { n: 3 }]), 'so far'],
        {
          hooks: late,
          loop: { totalTimeout: 10 },
        },
      );
      expect(output).toMatchObject({ tool_calls: 2, stop: 'total_timeout' });
      expect(told()).toContain('not run: total_timeout is reached');
    });

    it('a late answer to the final question may not use tools', async () => {
      expect(await stops({ maxTurns: 1 }, [many[0]!, many[0]!])).toMatchObject({
        stop: 'max_turns',
        tool_calls: 1,
      });
    });
  });

  it('ends with the first conditional transition that is true after a turn', async () => {
    const seen: unknown[] = [];
    const counting = tool('count', (_args, { context }) => ({
      content: 'counted',
      context: { ...context, count: ((context.count as number) ?? 0) + 1 },
    }));
    const outcome = await bench.run([calls(['count', {}]), { calls: [['count', {}]], content: 'thinking' }], {
      hooks: offering(counting),
      context: { count: 0 },
      transitions: [
        {
          when: () => {
            throw new FlatMachineError('expression-error', 'null has no order');
          },
          to: 'never',
        },
        {
          when: ({ output, context }) => {
            seen.push(output);
            return context.count === 2;
          },
          to: 'enough',
        },
      ],
      executor: {
        close: async () => {
          throw new Error('a turn that is no answer is not read as one');
        },
      },
    });
    expect(outcome).toEqual({
      output: { content: 'thinking', turn: 2, tool_calls: 2, stop: 'transition' },
      context: { count: 2 },
      to: 'enough',
    });
    expect(seen[0]).toEqual({ content: '', turn: 1, tool_calls: 1, stop: null });
  });

  it('closes the last answer through the agent', async () => {
    const close = async () => ({ output: { parsed: true } });
    expect((await bench.run(['{"parsed": true}'], { executor: { close } })).output).toEqual({ parsed: true });
  });

  describe('hooks', () => {
    it('skip calls, speak to the model, and replace results', async () => {
      const hooks: MachineHooks = {
        ...offering(tool('t')),
        onToolCalls: (_state, asked) => ({
          skip: { [asked[0]!.id]: 'not allowed today' },
          messages: ['Hurry up.'],
        }),
        onToolResult: (_state, call, result) => ({ ...result, content: `${call.name}: ${result.content}!` }),
      };
      await bench.run([calls(['t', { n: 1 }], ['t', { n: 2 }]), 'end'], { hooks });
      expect(told().slice(1)).toEqual(['not run: not allowed today', 't: t done!', 'Hurry up.']);
      expect(ran).toEqual(['t {"n":2}']);
    });

    it('are not asked again for a turn whose calls were begun', async () => {
      let times = 0;
      const hooks = {
        ...offering(tool('t')),
        onToolCalls: () => {
          times++;
          return undefined;
        },
      };
      const script = [calls(['t', { n: 1 }], ['t', { n: 2 }]), 'end'];
      await expect(bench.run(script, { hooks, dieAt: 'tool.0.1' })).rejects.toBeInstanceOf(Killed);
      await bench.run(script, { hooks });
      expect(times).toBe(1);
    });

    it('must say what the loop can understand', async () => {
      const hooks: MachineHooks = { ...offering(tool('t')), onToolCalls: () => ({ abort: 1 }) as never };
      const failed = bench.run([calls(['t', {}])], { hooks });
      await expect(failed).rejects.toMatchObject({ code: 'hook-failed' });
    });

    it('end the loop without running the calls', async () => {
      const hooks: MachineHooks = { ...offering(tool('t')), onToolCalls: () => ({ abort: 'seen enough' }) };
      const outcome = await bench.run([{ calls: [['t', {}]], content: 'let me see' }], { hooks });
      expect(outcome.output).toEqual({ content: 'let me see', turn: 1, tool_calls: 0, stop: 'abort' });
      expect(ran).toEqual([]);
      expect(bench.events).toContainEqual(
        expect.objectContaining({ type: 'tool_call', result: 'not run: seen enough' }),
      );
    });
  });

  describe('what ends the work passes through', () => {
    const throwing = (error: Error) =>
      offering(
        tool('t', () => {
          throw error;
        }),
      );

    it.each([
      new FlatMachineError('sandbox-lost', 'gone'),
      new FlatMachineError('lease-lost', 'taken'),
      new FlatMachineError('backend', 'full'),
      new Pause({ status: 'limit', message: 'none left' }),
    ])('%s', async (error) => {
      await expect(bench.run([calls(['t', {}])], { hooks: throwing(error) })).rejects.toBe(error);
      expect(bench.entries.has('tool.0.0')).toBe(false);
    });

    it('the signal, even if the tool does not listen', async () => {
      const stop = new AbortController();
      const reason = new FlatMachineError('cancelled', 'asked for');
      const deaf = offering(
        tool('t', () => {
          setTimeout(() => stop.abort(reason), 20);
          return new Promise(() => {});
        }),
      );
      await expect(bench.run([calls(['t', {}])], { hooks: deaf, signal: stop.signal })).rejects.toBe(reason);
    });
  });

  describe('after a crash', () => {
    const script: Said[] = [calls(['add', { n: 1 }], ['add', { n: 2 }]), calls(['add', { n: 3 }]), 'done'];
    let sum: number;
    const adding = (): LoopOptions => ({
      context: { sum: 0 },
      hooks: {
        ...offering(
          tool('add', (args, { context }) => {
            sum += args.n as number;
            return { content: `${sum}`, context: { ...context, sum } };
          }),
        ),
        onToolCalls: (_state, [first]) =>
          first!.arguments.n === 3 ? { messages: ['last one?'] } : undefined,
      },
    });

    it.each(['open', 'turn.0', 'tool.0.0', 'tool.0.1', 'turn.1', 'steer.1', 'tool.1.0', 'turn.2'])(
      'before %s is journaled, it goes on as if there had been none',
      async (dieAt) => {
        sum = 0;
        const straight = await bench.run(script, adding());
        const { requests, events } = bench;
        const entries = [...bench.entries.keys()];
        expect(entries).toContain(dieAt);
        const sums = ran.length;

        bench = loopBench();
        ran = [];
        sum = 0;
        await expect(bench.run(script, { ...adding(), dieAt })).rejects.toBeInstanceOf(Killed);
        const begun = bench.entries.size;
        if (dieAt.startsWith('tool')) sum = Number(ran.length === 1 ? 0 : ran.length === 2 ? 1 : 3);
        bench.events = [];
        expect(await bench.run(script, adding())).toEqual(straight);
        expect([...bench.entries.keys()]).toEqual(entries);
        expect(begun).toBe(entries.indexOf(dieAt));
        expect(bench.requests.length).toBe(requests.length + (dieAt.startsWith('turn') ? 1 : 0));
        expect(bench.requests.at(-1)).toEqual(requests.at(-1));
        expect(ran.length).toBe(sums + (dieAt.startsWith('tool') ? 1 : 0));
        const timeless = (all: typeof events) => all.map((event) => ({ ...event, duration_ms: 0 }));
        expect(timeless(bench.events)).toEqual(timeless(events));
      },
    );

    it('what an interrupted run has stored already is not told again', async () => {
      sum = 0;
      await expect(bench.run(script, { ...adding(), dieAt: 'turn.1' })).rejects.toBeInstanceOf(Killed);
      for (const key of bench.entries.keys()) bench.told.add(key);
      bench.events = [];
      await bench.run(script, adding());
      expect(bench.events).toMatchObject([
        { type: 'log', message: expect.stringContaining('steer turn 1') },
        { type: 'tool_call', call: 'tool.1.0' },
        { type: 'log', data: { stop: 'answer' } },
      ]);
    });

    it('calls that were refused stay so', async () => {
      const bounded = (): LoopOptions => ({
        hooks: offering(
          tool('t', () => {
            bench.now += 60_000;
            return { content: 'x' };
          }),
        ),
        loop: { totalTimeout: 10 },
      });
      const late = [calls(['t', { n: 1 }], ['t', { n: 2 }]), 'out of time'];
      await expect(bench.run(late, { ...bounded(), dieAt: 'final' })).rejects.toBeInstanceOf(Killed);
      bench.now = 0;
      expect((await bench.run(late, bounded())).output).toMatchObject({
        tool_calls: 1,
        stop: 'total_timeout',
      });
      expect(ran).toEqual(['t {"n":1}']);
    });

    it('total_timeout runs from the first start, and what was made before counts all the same', async () => {
      sum = 0;
      const bounded = { ...adding(), loop: { totalTimeout: 10 } };
      await expect(bench.run(script, { ...bounded, dieAt: 'tool.1.0' })).rejects.toBeInstanceOf(Killed);
      bench.now += 60_000;
      const { output } = await bench.run([...script.slice(0, 2), 'out of time'], bounded);
      expect(output).toEqual({ content: 'out of time', turn: 2, tool_calls: 2, stop: 'total_timeout' });
    });
  });
});
