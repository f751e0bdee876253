import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { RunHandle } from '../../src/library/run-handle.ts';
import type { JsonObject } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';

const loop: JsonObject = {
  context: { n: 0 },
  states: {
    a: {
      type: 'initial',
      action: 'x',
      transitions: [{ condition: 'context.n >= input.n', to: 'z' }, { to: 'a' }],
    },
    z: { type: 'final', output: { n: 'context.n' } },
  },
};
const counting: MachineHooks = {
  onAction: async (_action, context) => {
    await sleep(1);
    return { ...context, n: Number(context.n) + 1 };
  },
};

const log = (n: number): ExecutionEvent => event({ type: 'log', level: 'info', message: String(n) });
const live = (n: number): ExecutionEvent => event({ type: 'transition', to: String(n) });

function event<T extends object>(body: T) {
  return { time: '', execution_id: 'e', step: 0, ...body };
}

/** A handle whose run does nothing but tell. */
function telling(tell: (onEvent: (event: ExecutionEvent) => void) => unknown) {
  return new RunHandle({ id: 'e', cancel: async () => {}, start: async (onEvent) => tell(onEvent) });
}

async function all(handle: AsyncIterable<ExecutionEvent>): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const one of handle) events.push(one);
  return events;
}

describe('a run', () => {
  it('gives its events from the first on, to a reader that comes later, and ends with the run', async () => {
    const machine = await load(loop, counting);
    const seen: string[] = [];
    const run = machine.run({ n: 3 }, { id: 'r', onEvent: ({ type }) => seen.push(type) });
    expect(run.id).toBe('r');
    await sleep(3);
    const events = await all(run);
    expect(events.map(({ type }) => type)).toEqual(seen);
    expect(events[0]?.type).toBe('execution_start');
    expect(events.at(-1)?.type).toBe('execution_end');
    expect(await run.result).toMatchObject({ status: 'completed', output: { n: 3 } });
    expect(run.dropped).toEqual({ live: 0, stored: 0 });
  });

  it('is interrupted at the next safe point, by the handle or by a signal, and resumed', async () => {
    const machine = await load(loop, counting);
    const run = machine.run({ n: 500 }, { id: 'i' });
    for await (const { step } of run) if (step === 3) run.interrupt();
    expect((await run.result).status).toBe('interrupted');

    const stop = new AbortController();
    const again = machine.run({}, { resumeFrom: 'i', signal: stop.signal });
    expect(again.id).toBe('i');
    await sleep(10);
    stop.abort();
    expect((await again.result).status).toBe('interrupted');
    expect((await again.result).step).toBeGreaterThan((await run.result).step);
  });

  it('is cancelled', async () => {
    const machine = await load(loop, counting);
    const run = machine.run({ n: 5000 }, { maxSteps: 10_000 });
    await sleep(5);
    await run.cancel();
    expect((await run.result).status).toBe('cancelled');
  });

  it('runs beside others of the same machine', async () => {
    const machine = await load(loop, counting);
    const runs = Array.from({ length: 20 }, (_, i) => machine.run({ n: i + 1 }));
    const ids = new Set<string>();
    for (const run of runs)
      for (const { execution_id } of await all(run)) ids.add(`${run.id} ${execution_id}`);
    expect([...ids]).toEqual(runs.map(({ id }) => `${id} ${id}`));
    const outputs = await Promise.all(runs.map(async (run) => (await run.result).output));
    expect(outputs).toEqual(runs.map((_, i) => ({ n: i + 1 })));
  });

  it('throws to its reader what it throws', async () => {
    const machine = await load({ states: { z: { type: 'final' } }, hooks: { name: 'webhook', args: {} } });
    const run = machine.run();
    await expect(all(run)).rejects.toMatchObject({ code: 'hook-load' });
    await expect(run.result).rejects.toMatchObject({ code: 'hook-load' });
  });
});

describe('the events that wait for a reader', () => {
  it('are bounded: live-only ones give way first, in order, and are counted', async () => {
    const handle = telling((tell) => {
      for (let i = 0; i < 10_000; i++) tell(i % 100 === 0 ? log(i) : live(i));
    });
    await handle.result;
    expect(handle.dropped).toEqual({ live: 10_000 - 1024, stored: 0 });
    const events = await all(handle);
    expect(events).toHaveLength(1024);
    expect(events.filter(({ type }) => type === 'log')).toHaveLength(100);
    const numbers = events.map((one) =>
      Number(one.type === 'log' ? one.message : (one as { to: string }).to),
    );
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(9999);
  });

  it('give way, the oldest first, when nothing but stored ones waits', async () => {
    const handle = telling((tell) => {
      for (let i = 0; i < 5000; i++) tell(log(i));
    });
    await handle.result;
    expect(handle.dropped).toEqual({ live: 0, stored: 5000 - 1024 });
    expect((await all(handle))[0]).toMatchObject({ message: String(5000 - 1024) });
  });

  it('are bounded for a reader that is slow', async () => {
    const handle = telling(async (tell) => {
      await sleep(5);
      for (let i = 0; i < 50_000; i++) tell(live(i));
    });
    expect(await all(handle)).toHaveLength(32_768);
    expect(handle.dropped).toEqual({ live: 50_000 - 32_768, stored: 0 });
  });

  it('all reach a reader that keeps up with a fast run', async () => {
    const machine = await load(loop, {
      onAction: (_action, context) => ({ ...context, n: Number(context.n) + 1 }),
    });
    const run = machine.run({ n: 20_000 }, { maxSteps: 30_000 });
    let commits = 0;
    for await (const { type } of run) if (type === 'step_commit') commits++;
    expect(commits).toBe(20_001);
    expect(run.dropped).toEqual({ live: 0, stored: 0 });
  });

  it('are bounded in live text as well', async () => {
    const text = 'x'.repeat(1024 * 1024);
    const handle = telling((tell) => {
      for (let i = 0; i < 40; i++)
        tell(event({ type: 'command_output', exec_id: 'c', stream: 'stdout', text } as const));
    });
    expect(await all(handle)).toHaveLength(16);
    expect(handle.dropped).toEqual({ live: 24, stored: 0 });
  });

  it('go to one reader at a time; a later one goes on where the earlier left', async () => {
    const handle = telling((tell) => {
      for (let i = 0; i < 5; i++) tell(log(i));
    });
    for await (const one of handle) {
      expect(one).toMatchObject({ message: '0' });
      await expect(all(handle)).rejects.toMatchObject({ code: 'usage' });
      break;
    }
    expect((await all(handle))[0]).toMatchObject({ message: '1' });
  });
});
