import { beforeEach, describe, expect, test } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import { agentError } from '../../../src/execution/agents/errors.ts';
import { Bench, Recorded, text } from './agent-work.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});

const limited = (retryAfter: number | null = null) =>
  agentError('rate-limit', 'slow down', { status: 429, retryAfter });
const quick = { type: 'retry', backoffs: [0.01, 0.01], jitter: 0 };

describe('retry', () => {
  test('case 42: fails twice, then succeeds: three calls', async () => {
    const agent = new Recorded([limited(), new Error('reset'), text('ok')]);
    const { output } = await bench.run(agent, { execution: quick });
    expect(output).toEqual({ content: 'ok' });
    expect(agent.asked).toEqual(['call.0', 'call.1', 'call.2']);
    expect(bench.budget.spent.calls).toBe(3);
  });

  test('case 43: when no try is left the last error is thrown, with its type and the attempts', async () => {
    const agent = new Recorded([limited(), limited(), agentError('server', 'down', { status: 503 })]);
    const error = await bench.run(agent, { execution: quick }).catch((e) => e);
    expect(error).toBeInstanceOf(FlatMachineError);
    expect(error.name).toBe('ServerError');
    expect(error.message).toBe('down');
    expect(error.details).toEqual({ status: 503, retryable: true, retry_after: null, attempts: 3 });
  });

  test('an error of others keeps its name', async () => {
    const own = () => Object.assign(new Error('no luck'), { name: 'LuckError' });
    const agent = new Recorded([own(), own(), own()]);
    const error = await bench.run(agent, { execution: quick }).catch((e) => e);
    expect([error.name, error.message]).toEqual(['LuckError', 'no luck']);
    expect(agent.asked).toHaveLength(3);
  });

  test('case 44: without backoffs there is one attempt', async () => {
    const agent = new Recorded([limited(), text('late')]);
    await expect(bench.run(agent, { execution: { type: 'retry', backoffs: [] } })).rejects.toThrow(
      'slow down',
    );
    expect(agent.asked).toEqual(['call.0']);
  });

  test('case 44: retry_on_empty asks again, and what empty answers cost counts', async () => {
    const agent = new Recorded([
      text(' ', { cost: 0.25 }),
      { output: {}, cost: 0.25 },
      text('ok', { cost: 1 }),
    ]);
    const { output } = await bench.run(agent, { execution: { ...quick, retry_on_empty: true } });
    expect(output).toEqual({ content: 'ok' });
    expect(bench.budget.spent).toMatchObject({ calls: 3, cost: 1.5 });
  });

  test('empty answers only: EmptyOutputError', async () => {
    const agent = new Recorded([{}, {}, {}]);
    const error = await bench.run(agent, { execution: { ...quick, retry_on_empty: true } }).catch((e) => e);
    expect(error).toMatchObject({ code: 'empty-output', details: { attempts: 3 } });
  });

  test('without retry_on_empty an empty answer is an answer', async () => {
    const agent = new Recorded([{}]);
    expect((await bench.run(agent, { execution: quick })).output).toEqual({});
  });

  test.each([
    agentError('auth', 'no key', { status: 401 }),
    agentError('rate-limit', 'out of credit', { retryable: false }),
    new FlatMachineError('missing-package', 'not there'),
  ])('what no retry mends is thrown at once: $name', async (error) => {
    const agent = new Recorded([error, text('never')]);
    await expect(bench.run(agent, { execution: quick })).rejects.toMatchObject({
      code: error.code,
      details: { attempts: 1 },
    });
    expect(agent.asked).toEqual(['call.0']);
  });

  test.each([
    { random: 0, from: 40, to: 75, retryAfter: null },
    { random: 0.999, from: 140, to: 190, retryAfter: null },
    { random: 0, from: 240, to: 300, retryAfter: 0.24 },
    { random: 0.999, from: 140, to: 190, retryAfter: 0.01 },
  ])(
    'waits backoff ± jitter, or as long as the provider asks: %o',
    async ({ random, from, to, retryAfter }) => {
      const agent = new Recorded([limited(retryAfter), text('ok')]);
      const started = performance.now();
      const execution = { type: 'retry', backoffs: [0.1], jitter: 0.5 };
      await bench.run(agent, { execution, random: () => random });
      const waited = performance.now() - started;
      expect(waited).toBeGreaterThanOrEqual(from);
      expect(waited).toBeLessThan(to + 60);
    },
  );

  test('a wait ends with the work, with its reason', async () => {
    const stop = new AbortController();
    const reason = new FlatMachineError('timeout', 'too late');
    const agent = new Recorded([limited()]);
    const run = bench.run(agent, { execution: { type: 'retry', backoffs: [60] }, signal: stop.signal });
    setTimeout(() => stop.abort(reason), 30);
    await expect(run).rejects.toBe(reason);
  });

  test('a failure that an earlier run was told of is neither asked nor waited for again', async () => {
    const stop = new AbortController();
    const first = new Recorded([limited(30)]);
    const run = bench.run(first, { execution: { type: 'retry', backoffs: [60] }, signal: stop.signal });
    setTimeout(() => stop.abort(new FlatMachineError('interrupted', 'ctrl-c')), 30);
    await expect(run).rejects.toMatchObject({ code: 'interrupted' });
    expect(await bench.journaled()).toEqual(['call.0']);
    const second = new Recorded([limited(), text('ok')]);
    const started = performance.now();
    const { output } = await bench.run(second, { execution: { type: 'retry', backoffs: [60] } });
    expect(output).toEqual({ content: 'ok' });
    expect(second.asked).toEqual(['call.1']);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(bench.budget.spent.calls).toBe(2);
  });

  test.each([{ backoffs: 3 }, { backoffs: [-1] }, { jitter: 2 }, { retry_on_empty: 'yes' }])(
    'options it cannot use are an error: %o',
    async (options) => {
      await expect(
        bench.run(new Recorded([]), { execution: { type: 'retry', ...options } }),
      ).rejects.toMatchObject({
        code: 'usage',
      });
    },
  );
});
