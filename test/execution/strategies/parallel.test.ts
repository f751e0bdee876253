import { beforeEach, describe, expect, test } from 'vitest';
import { FlatMachineError } from '../../../src/errors.ts';
import { Pause } from '../../../src/execution/pause.ts';
import { Bench, Recorded, text } from './agent-work.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});

const hang = () => new Promise<never>(() => {});

describe('parallel', () => {
  test('case 45: successes in the order of their calls, failures dropped, costs of all', async () => {
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { output: { n: 0 }, cost: 1 };
    };
    const agent = new Recorded([slow, new Error('no'), { output: { n: 2 }, cost: 2 }]);
    const { output } = await bench.run(agent, { execution: { type: 'parallel' } });
    expect(output).toEqual({ results: [{ n: 0 }, { n: 2 }], count: 2 });
    expect(bench.budget.spent).toMatchObject({ calls: 3, cost: 3 });
    expect(agent.most).toBe(3);
  });

  test('case 45: all failed is an error that says what each failed with', async () => {
    const agent = new Recorded([new Error('a'), new Error('b')]);
    const error = await bench.run(agent, { execution: { type: 'parallel', n_samples: 2 } }).catch((e) => e);
    expect(error).toMatchObject({ code: 'no-success', name: 'NoSuccessError' });
    expect(error.details.failures).toEqual([
      { sample: 0, error_type: 'Error', message: 'a' },
      { sample: 1, error_type: 'Error', message: 'b' },
    ]);
  });

  test('no more at once than the machine allows', async () => {
    const agent = new Recorded(Array.from({ length: 9 }, (_, i) => text(String(i))));
    const { output } = await bench.run(agent, {
      execution: { type: 'parallel', n_samples: 9 },
      concurrency: 2,
    });
    expect(agent.most).toBe(2);
    expect(output).toMatchObject({ count: 9 });
  });

  test('never more calls than the budget has; those under way finish and are not paid again', async () => {
    const answers = Array.from({ length: 8 }, (_, i) => text(String(i)));
    const first = new Recorded(answers);
    const execution = { type: 'parallel', n_samples: 8 };
    await expect(bench.run(first, { execution, limits: { calls: 5 } })).rejects.toBeInstanceOf(Pause);
    expect(first.asked).toHaveLength(5);
    expect(await bench.journaled()).toHaveLength(5);

    const again = new Recorded(answers);
    await expect(bench.run(again, { execution, limits: { calls: 5 } })).rejects.toBeInstanceOf(Pause);
    expect(again.asked).toEqual([]);
    expect(bench.budget.spent.calls).toBe(5);

    const richer = new Recorded(answers);
    const { output } = await bench.run(richer, { execution, limits: { calls: 8 } });
    expect(richer.asked).toEqual(['call.5', 'call.6', 'call.7']);
    expect(output).toMatchObject({ count: 8 });
  });

  test('a budget in money ends it between calls', async () => {
    const agent = new Recorded(Array.from({ length: 6 }, () => text('x', { cost: 1 })));
    const options = { execution: { type: 'parallel', n_samples: 6 }, limits: { cost: 3 }, concurrency: 1 };
    await expect(bench.run(agent, options)).rejects.toBeInstanceOf(Pause);
    expect(agent.asked).toHaveLength(3);
  });

  test('killed with samples under way: a resume makes only those that were not finished', async () => {
    const first = new Recorded([text('a'), hang, text('c')]);
    const execution = { type: 'parallel' };
    void bench.run(first, { execution });
    await expect.poll(() => bench.journaled()).toEqual(['call.0', 'call.2']);
    const second = new Recorded([text('?'), text('b'), text('?')]);
    const { output } = await bench.run(second, { execution });
    expect(second.asked).toEqual(['call.1']);
    expect(output).toEqual({ results: [{ content: 'a' }, { content: 'b' }, { content: 'c' }], count: 3 });
    expect(bench.budget.spent.calls).toBe(3);
  });

  test('a lost box ends all of it, at once', async () => {
    const heard: unknown[] = [];
    const listening = (call: { signal: AbortSignal }) =>
      new Promise<never>((_, reject) => {
        call.signal.addEventListener('abort', () => {
          heard.push(call.signal.reason);
          reject(call.signal.reason);
        });
      });
    const lost = new FlatMachineError('sandbox-lost', 'the box is gone');
    const agent = new Recorded([listening, lost, hang]);
    await expect(bench.run(agent, { execution: { type: 'parallel' } })).rejects.toBe(lost);
    expect(heard).toEqual([lost]);
    expect(await bench.journaled()).toEqual([]);
  });

  test('options it cannot use are an error', async () => {
    await expect(
      bench.run(new Recorded([]), { execution: { type: 'parallel', n_samples: 0 } }),
    ).rejects.toMatchObject({ code: 'usage' });
  });
});
