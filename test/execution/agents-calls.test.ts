import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FlatMachineError, isFlatMachineError } from '../../src/errors.ts';
import { AgentSet } from '../../src/execution/agents/agent-set.ts';
import { agentError } from '../../src/execution/agents/errors.ts';
import type { AgentExecutor, AgentResult } from '../../src/execution/agents/interfaces.ts';
import { AgentRegistry } from '../../src/execution/agents/registry.ts';
import { scriptFactory } from '../../src/execution/agents/script.ts';
import { Pause } from '../../src/execution/pause.ts';
import { EXECUTION_TYPES, registerExecutionType } from '../../src/execution/strategies/registry.ts';
import type { AgentDefinition } from '../../src/machine/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';
import { Bench, Recorded, text } from './strategies/agent-work.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});

/** An agent that must not be asked. */
const mute = () => new Recorded([]);

describe('a call is made once', () => {
  test('what it gave is given again, paid and told once per commit', async () => {
    const answer: AgentResult = {
      content: 'hello',
      usage: { input_tokens: 3, api_calls: 2 },
      cost: 0.5,
      finish_reason: 'stop',
    };
    const first = await bench.run(new Recorded([answer]));
    const told = [...bench.events];
    expect(bench.budget.spent).toEqual({ calls: 2, cost: 0.5, steps: 0 });
    expect(told).toEqual([
      {
        type: 'agent_call',
        agent: 'writer',
        call: 'call.0',
        content: 'hello',
        usage: { input_tokens: 3, api_calls: 2 },
        cost: 0.5,
        finish_reason: 'stop',
        duration_ms: expect.any(Number),
      },
    ]);
    const agent = mute();
    expect(await bench.run(agent)).toEqual(first);
    expect(agent.asked).toEqual([]);
    expect(bench.budget.spent).toEqual({ calls: 2, cost: 0.5, steps: 0 });
    expect(bench.events).toEqual(told);
  });

  test.each([
    agentError('rate-limit', 'slow down', { status: 429, retryAfter: 7 }),
    new FlatMachineError('template-error', 'bad prompt', {
      location: { file: 'a.yml', line: 3, column: 5 },
      remedy: 'mend it',
      cause: new Error('outer', { cause: new Error('inner') }),
    }),
    Object.assign(new Error('no luck'), { name: 'LuckError' }),
  ])('an error is thrown again as it was: $name', async (error) => {
    const first = await bench.run(new Recorded([error])).catch((e) => e);
    expect(first).toBe(error);
    const agent = mute();
    const second = await bench.run(agent).catch((e) => e);
    expect(agent.asked).toEqual([]);
    expect(second).toMatchObject({ name: error.name, message: error.message });
    if (isFlatMachineError(error)) {
      const { code, details, location, remedy } = error;
      expect(second).toMatchObject({ code, remedy });
      expect([second.details, second.location]).toEqual([details, location]);
    }
    expect(second.cause?.cause?.message).toBe(
      (error.cause as Error | undefined)?.cause === undefined ? undefined : 'inner',
    );
    expect(bench.budget.spent).toMatchObject({ calls: 1, cost: 0 });
  });

  test.each([
    ['rate_limit', 'RateLimitError'],
    ['no_such_code', 'AgentError'],
  ])('an error that stands in the result is an error: %s', async (code, name) => {
    const result = { error: { code, message: 'busy', status_code: 429, retryable: true } } as AgentResult;
    await expect(bench.run(new Recorded([result]))).rejects.toMatchObject({
      name,
      message: 'busy',
      details: { status: 429, retryable: true, retry_after: null },
    });
  });

  test.each([null, [], 'text', 5, { output: { f: () => 1 } }])(
    'what is no result is an error: %o',
    async (result) => {
      const agent = new Recorded([() => result as AgentResult]);
      await expect(bench.run(agent)).rejects.toBeInstanceOf(FlatMachineError);
      expect(await bench.journaled()).toEqual(['call.0']);
    },
  );

  test.each([
    [{ output: [1] }, 'whose `output` is not a map but a list'],
    [{ content: 42 }, 'whose `content` is not text but a number'],
    [{ cost: '0.1' }, 'whose `cost` is not a number but text'],
    [{ tool_calls: [{ id: 'a', function: { name: 'bash' } }] }, 'whose `tool_calls` is not a list of'],
  ])('a result of the wrong form is one too: %o', async (result, message) => {
    const agent = new Recorded([() => result as unknown as AgentResult]);
    await expect(bench.run(agent)).rejects.toMatchObject({
      code: 'agent',
      message: expect.stringContaining(message),
    });
    expect(await bench.journaled()).toEqual(['call.0']);
  });

  test.each([
    [{ output: { a: 1 }, content: 'x' }, { a: 1 }],
    [{ content: 'x' }, { content: 'x' }],
    [{ output: null, content: '' }, { content: '' }],
    [{}, {}],
  ])('the payload of %o', async (result, output) => {
    expect((await bench.run(new Recorded([result]))).output).toEqual(output);
  });

  test.each([
    [{ usage: { requests: 3 } }, 3, 0],
    [{ usage: { calls: 4, cost: 2 } }, 4, 2],
    [{ usage: { cost: { total: 0.5 } } }, 1, 0.5],
    [{ usage: { api_calls: 2, requests: 9 }, cost: 1 }, 2, 1],
    [{ cost: null }, 1, 0],
  ])('what %o has used', async (result: AgentResult, calls, cost) => {
    await bench.run(new Recorded([result]));
    expect(bench.budget.spent).toMatchObject({ calls, cost });
  });

  test.each(['timeout', 'cancelled', 'interrupted', 'lease-lost'] as const)(
    'nothing is kept of a call that %s ended',
    async (code) => {
      const stop = new AbortController();
      const reason = new FlatMachineError(code, 'stop');
      const agent = new Recorded([
        (call) =>
          new Promise((_, reject) => {
            call.signal.addEventListener('abort', () => reject(new Error('aborted')));
            stop.abort(reason);
          }),
      ]);
      await expect(bench.run(agent, { signal: stop.signal })).rejects.toBe(reason);
      expect(await bench.journaled()).toEqual([]);
      expect(bench.budget.spent.calls).toBe(1);
      expect(bench.events).toEqual([]);
    },
  );

  test('an answer that comes in while the run is being interrupted is kept; one that comes too late is not', async () => {
    const late = (code: 'interrupted' | 'timeout') => {
      const stop = new AbortController();
      const agent = new Recorded([
        () => {
          stop.abort(new FlatMachineError(code, 'stop'));
          return text('in time');
        },
      ]);
      return bench.run(agent, { signal: stop.signal });
    };
    await expect(late('timeout')).rejects.toMatchObject({ code: 'timeout' });
    expect(await bench.journaled()).toEqual([]);
    expect((await late('interrupted')).output).toEqual({ content: 'in time' });
    expect(await bench.journaled()).toEqual(['call.0']);
  });

  test('an agent that says more after its call is over is not heard', async () => {
    let say = (_text: string): void => {};
    const agent = new Recorded([
      (call) => {
        say = (words) => call.stream(words);
        say('during');
        return text('x');
      },
    ]);
    await bench.run(agent);
    const told = bench.events.length;
    say('after');
    expect(bench.events.length).toBe(told);
    expect(bench.events[0]).toEqual({
      type: 'agent_output',
      agent: 'writer',
      call: 'call.0',
      text: 'during',
    });
  });

  test('without a call left in the budget nothing is asked', async () => {
    const agent = mute();
    await expect(bench.run(agent, { limits: { calls: 0 } })).rejects.toBeInstanceOf(Pause);
    expect(agent.asked).toEqual([]);
  });

  test('a call knows its place: ordinals go on from what was committed', async () => {
    const seen: [number, number][] = [];
    const note: (call: { index: number; ordinal: number }) => AgentResult = ({ index, ordinal }) => {
      seen.push([index, ordinal]);
      throw new Error('again');
    };
    const agent = new Recorded([note, note]);
    const execution = { type: 'retry', backoffs: [0] };
    await bench.run(agent, { execution, baseOrdinal: 5 }).catch(() => {});
    expect(seen).toEqual([
      [0, 5],
      [1, 6],
    ]);
  });

  test('what one sample does to its input, the next does not see', async () => {
    const inputs: JsonObject[] = [];
    const spoil = (_call: unknown, input: JsonObject): AgentResult => {
      inputs.push({ ...input });
      input.spoiled = true;
      return text('x');
    };
    await bench.run(new Recorded([spoil, spoil]), {
      execution: { type: 'parallel', n_samples: 2 },
      input: { q: 1 },
    });
    expect(inputs).toEqual([{ q: 1 }, { q: 1 }]);
  });

  test('without hooks that offer one there is no sandbox', async () => {
    const agent = new Recorded([async (call) => ({ output: { box: typeof (await call.sandbox()) } })]);
    await expect(bench.run(agent)).rejects.toMatchObject({ code: 'tool' });
  });
});

describe('execution types', () => {
  test('case 48: an unknown one is an error that lists those there are', async () => {
    await expect(bench.run(mute(), { execution: { type: 'majority' } })).rejects.toMatchObject({
      code: 'unknown-execution-type',
      message: expect.stringContaining('default, retry, parallel, mdap_voting'),
    });
  });

  test('users can add their own; calls it does not wait for are ended', async () => {
    let ended: unknown = null;
    registerExecutionType('fastest', () => ({
      async execute(executor, input) {
        const first = await Promise.race([executor.attempt(0, input), executor.attempt(1, input)]);
        return first.result ?? {};
      },
    }));
    expect(EXECUTION_TYPES.has('fastest')).toBe(true);
    expect(() => registerExecutionType('fastest', () => ({ execute: async () => ({}) }))).toThrow(
      FlatMachineError,
    );
    const slow = (call: { signal: AbortSignal }) =>
      new Promise<AgentResult>((_, reject) => {
        call.signal.addEventListener('abort', () => {
          ended = call.signal.reason;
          reject(ended);
        });
      });
    const { output } = await bench.run(new Recorded([slow, text('quick')]), {
      execution: { type: 'fastest' },
    });
    expect(output).toEqual({ content: 'quick' });
    expect(ended).toMatchObject({ code: 'cancelled' });
    expect(await bench.journaled()).toEqual(['call.1']);
  });
});

describe('the agents of a run', () => {
  const definition = (type: string): AgentDefinition => ({
    name: 'writer',
    type,
    config: {},
    file: null,
    dir: '.',
    profiles: null,
    location: { file: 'm.yml', line: 4, column: 5 },
  });
  const setOf = (make: () => AgentExecutor | Promise<AgentExecutor>) =>
    new AgentSet(new AgentRegistry([{ type: 'test', load: async () => make }]), { cwd: '.', env: {} });

  test('each is made once, also when asked for at the same time, and disposed of once', async () => {
    let made = 0;
    const agent = new Recorded([]);
    const set = setOf(async () => {
      made++;
      return agent;
    });
    const writer = definition('test');
    const [a, b] = await Promise.all([set.executor(writer), set.executor(writer)]);
    expect(a).toBe(b);
    await set.executor(definition('test'));
    expect(made).toBe(2);
    await set.close();
    await set.close();
    expect(agent.disposed).toBe(2);
    await expect(set.executor(writer)).rejects.toMatchObject({ code: 'agent' });
  });

  test('one that cannot be made says where it stands, and is tried again', async () => {
    let tries = 0;
    const set = setOf(() => {
      if (tries++ === 0) throw new FlatMachineError('auth', 'no key', { remedy: 'set KEY' });
      return new Recorded([]);
    });
    const writer = definition('test');
    await expect(set.executor(writer)).rejects.toMatchObject({
      code: 'auth',
      remedy: 'set KEY',
      location: { line: 4 },
    });
    await set.executor(writer);
  });

  test('all are told of the end, whatever one of them throws', async () => {
    const good = new Recorded([]);
    const agents: AgentExecutor[] = [
      { execute: async () => ({}), dispose: () => Promise.reject(new Error('stuck')) },
      good,
    ];
    const set = setOf(() => agents.shift()!);
    await set.executor(definition('test'));
    await set.executor(definition('test'));
    await expect(set.close()).rejects.toThrow('stuck');
    expect(good.disposed).toBe(1);
  });

  test('an unknown type lists those there are', async () => {
    const set = new AgentSet(new AgentRegistry(), { cwd: '.', env: {} });
    await expect(set.executor(definition('oracle'))).rejects.toMatchObject({
      code: 'unknown-agent',
      message: expect.stringContaining('command, flatagent, http, script'),
    });
    const registry = new AgentRegistry();
    expect(() => registry.register({ type: 'http', load: async () => () => mute() })).toThrow(
      /registered already/,
    );
  });
});

describe('script agents', () => {
  const script = (config: JsonObject): Promise<AgentExecutor> =>
    Promise.resolve(
      scriptFactory(
        {
          name: 'actor',
          type: 'script',
          config,
          file: null,
          dir: tmpdir(),
          profiles: null,
          location: { file: 'm.yml', line: 7, column: 3 },
        },
        { cwd: '.', env: {} },
      ),
    );

  test('answers in order, text or result', async () => {
    const agent = await script({ answers: ['one', { output: { n: 2 }, cost: 0.1 }] });
    expect((await bench.run(agent)).output).toEqual({ content: 'one' });
    bench = await Bench.open();
    expect((await bench.run(agent, { baseOrdinal: 1 })).output).toEqual({ n: 2 });
    expect(bench.budget.spent.cost).toBe(0.1);
  });

  test('says how many it has when they run out', async () => {
    const agent = await script({ answers: ['one', 'two'] });
    await expect(bench.run(agent, { baseOrdinal: 2 })).rejects.toMatchObject({
      code: 'agent',
      message: 'script agent "actor" has 2 answers, and this is call 3',
      details: { retryable: false },
    });
  });

  test('starts over with cycle, and has lists by state', async () => {
    const cyclic = await script({ answers: ['a', 'b'], cycle: true });
    expect((await bench.run(cyclic, { baseOrdinal: 3 })).output).toEqual({ content: 'b' });
    bench = await Bench.open();
    const byState = await script({ answers: { start: ['first'] } });
    expect((await bench.run(byState, { baseOrdinal: 9 })).output).toEqual({ content: 'first' });
    bench = await Bench.open();
    await expect(bench.run(await script({ answers: { other: [] } }))).rejects.toThrow(
      'no answers for state "start"',
    );
  });

  test('recorded errors are retried like real ones', async () => {
    const agent = await script({ answers: [{ error: { code: 'rate_limit', retry_after: 0.01 } }, 'ok'] });
    const { output } = await bench.run(agent, { execution: { type: 'retry', backoffs: [0] } });
    expect(output).toEqual({ content: 'ok' });
  });

  test('a delay ends with the work', async () => {
    const stop = new AbortController();
    const reason = new FlatMachineError('timeout', 'late');
    setTimeout(() => stop.abort(reason), 20);
    const agent = await script({ answers: [{ content: 'x', delay: 60 }] });
    await expect(bench.run(agent, { signal: stop.signal })).rejects.toBe(reason);
  });

  test('tool calls in the short form', async () => {
    const agent = await script({
      answers: [
        {
          tool_calls: [
            { tool: 'bash', arguments: { command: 'ls' } },
            { tool: 'bash', arguments: '{oops' },
          ],
        },
      ],
    });
    let result: AgentResult = {};
    const spy: AgentExecutor = {
      execute: async (input, context, call) => (result = await agent.execute(input, context, call)),
    };
    await bench.run(spy, { baseOrdinal: 0 });
    expect(result).toEqual({
      finish_reason: 'tool_calls',
      tool_calls: [
        { id: 'call_0_0', type: 'function', function: { name: 'bash', arguments: '{"command":"ls"}' } },
        { id: 'call_0_1', type: 'function', function: { name: 'bash', arguments: '{oops' } },
      ],
    });
  });

  test('its metadata serves voting', async () => {
    const agent = await script({
      answers: ['move 1', 'no', 'move 1'],
      metadata: { parsing: { move: { pattern: 'move (\\d)', type: 'int' } } },
    });
    const { output } = await bench.run(agent, { execution: { type: 'mdap_voting', k_margin: 2 } });
    expect(output).toEqual({ move: 1 });
  });

  test('a file of its own, whose faults have their place in it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'script-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const good = join(dir, 'good.yml');
    writeFileSync(good, 'answers:\n  - hello\n');
    expect((await bench.run(await script({ file: good }))).output).toEqual({ content: 'hello' });
    const list = join(dir, 'list.yml');
    writeFileSync(list, '- hello\n');
    await script({ file: list });
    const bad = join(dir, 'bad.yml');
    writeFileSync(bad, 'answers:\n  - ok\n  - error:\n      code: rate-limt\n');
    await expect(script({ file: bad })).rejects.toMatchObject({
      code: 'invalid-machine',
      message: 'script agent "actor": `answers[1].error.code` is no error of agents',
      remedy: expect.stringContaining('rate-limit'),
      location: { line: 4 },
    });
    await expect(script({ file: join(dir, 'none.yml') })).rejects.toMatchObject({ code: 'file-not-found' });
  });

  test.each<[JsonObject, string]>([
    [{}, 'answers'],
    [{ answers: 'x' }, 'answers'],
    [{ answers: [5] }, 'answers[0]'],
    [{ answers: [{ contnt: 'x' }] }, 'answers[0].contnt'],
    [{ answers: [{ output: 'x' }] }, 'answers[0].output'],
    [{ answers: [{ delay: -1 }] }, 'answers[0].delay'],
    [{ answers: { go: [{ tool_calls: [{ arguments: {} }] }] } }, 'answers.go[0].tool_calls[0].tool'],
    [{ answers: [], cycle: 1 }, 'cycle'],
    [{ file: 'a.yml', answers: [] }, 'answers'],
  ])('faults are named: %o', async (config, where) => {
    await expect(script(config)).rejects.toMatchObject({
      code: 'invalid-machine',
      message: expect.stringContaining(`\`${where}\``),
      location: { line: 7 },
    });
  });
});

describe('in a machine', () => {
  test('agents work under their strategies, and on_error knows their errors', async () => {
    const machine = await load({
      agents: {
        voter: { type: 'script', config: { answers: ['A', 'A', 'B', 'A', 'A'] } },
        failing: { type: 'script', config: { answers: [{ error: { code: 'auth' } }], cycle: true } },
      },
      states: {
        vote: {
          agent: 'voter',
          execution: { type: 'mdap_voting', k_margin: 3 },
          output_to_context: { said: 'output.content' },
          transitions: [{ to: 'fail' }],
        },
        fail: {
          agent: 'failing',
          execution: { type: 'retry' },
          on_error: { AuthError: 'done' },
          transitions: [{ to: 'lost' }],
        },
        lost: { type: 'final' },
        done: { type: 'final', output: { said: 'context.said', calls: 'context.machine.total_api_calls' } },
      },
      context: { said: null },
    });
    const result = await machine.execute({});
    expect(result.error).toBe(null);
    expect(result.output).toEqual({ said: 'A', calls: 6 });
    await machine.close();
  });

  test('a timeout does not wait for an agent that ignores it, and what comes too late touches nothing', async () => {
    let late = (): void => {};
    const agents = new AgentRegistry();
    const deaf: AgentExecutor = {
      async execute(_input, _context, { state }) {
        if (state === 'ask') {
          return new Promise((resolve) => {
            late = () => resolve(text('stale', { cost: 100 }));
          });
        }
        late();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return text('fresh');
      },
    };
    agents.register({ type: 'deaf', load: async () => () => deaf });
    const data = {
      agents: { listener: { type: 'deaf', config: {} } },
      context: { said: null },
      states: {
        ask: {
          agent: 'listener',
          timeout: 0.2,
          on_error: { TimeoutError: 'next' },
          transitions: [{ to: 'done' }],
        },
        next: {
          agent: 'listener',
          output_to_context: { said: 'output.content' },
          transitions: [{ to: 'done' }],
        },
        done: {
          type: 'final',
          output: {
            said: 'context.said',
            calls: 'context.machine.total_api_calls',
            cost: 'context.machine.total_cost',
          },
        },
      },
    };
    const machine = await load(data, {}, { agents });
    const started = performance.now();
    const { output } = await machine.execute({}, { id: 'deaf' });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(output).toEqual({ said: 'fresh', calls: 2, cost: 0 });
    const told = (await machine.backends.persistence.history('deaf')).flatMap(({ events }) => events);
    expect(told.filter(({ type }) => type === 'agent_call')).toHaveLength(1);
    await machine.close();
  });
});
