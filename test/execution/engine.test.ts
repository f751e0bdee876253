import { describe, expect, it } from 'vitest';
import type { ExecutionEvent } from '../../src/events.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { load, memory } from '../helpers/machine.ts';

const counting: MachineHooks = {
  onAction: (_action, context) => ({ ...context, n: Number(context.n) + 1 }),
};

const loop = {
  context: { n: '{{ input.start | default(0) }}' },
  states: {
    count: {
      type: 'initial',
      action: 'count',
      transitions: [{ condition: 'context.n >= 3', to: 'done' }, { to: 'count' }],
    },
    done: { type: 'final', output: { n: 'context.n', step: 'context.machine.step', start: 'input.start' } },
  },
};

describe('running a machine', () => {
  it('runs states in order until the final one and renders its output', async () => {
    const machine = await load(loop, counting);
    const result = await machine.execute({ start: 1 });
    expect(result).toMatchObject({ status: 'completed', output: { n: 3, step: 3, start: 1 }, step: 3 });
  });

  it('lets output_to_context read the output of an action, in order', async () => {
    const machine = await load(
      {
        states: {
          a: {
            type: 'initial',
            action: 'give',
            input: { of: '{{ input.x }}' },
            output_to_context: {
              first: 'output.got',
              second: '{{ context.first + 1 }}',
              deep: { list: ['output.got'] },
            },
            transitions: [{ to: 'end' }],
          },
          end: { type: 'final', output: 'context' },
        },
      },
      { onAction: (_action, _context, call) => ({ output: { got: Number(call.input.of) * 2 } }) },
    );
    expect((await machine.execute({ x: 4 })).output).toEqual({ first: 8, second: 9, deep: { list: [8] } });
  });

  it('calls the hooks in the order of the reference and threads what they return', async () => {
    const calls: string[] = [];
    const machine = await load(
      {
        states: {
          a: { type: 'initial', action: 'x', transitions: [{ to: 'b' }] },
          b: { type: 'final', output: { seen: 'context.seen' } },
          c: { type: 'final' },
        },
      },
      {
        onMachineStart: (context) => {
          calls.push('start');
          return { ...context, seen: ['start'] };
        },
        onStateEnter: (state) => {
          calls.push(`enter ${state}`);
        },
        onAction: (action) => {
          calls.push(`action ${action}`);
          return { output: 1 };
        },
        onStateExit: (state, _context, output) => {
          calls.push(`exit ${state} ${JSON.stringify(output)}`);
          return state === 'b' ? { replaced: true } : undefined;
        },
        onTransition: (from, to) => {
          calls.push(`${from}->${to}`);
        },
        onMachineEnd: (_context, output) => {
          calls.push('end');
          return { ended: output };
        },
      },
    );
    const { output } = await machine.execute();
    expect(calls).toEqual([
      'start',
      'enter a',
      'action x',
      'exit a 1',
      'a->b',
      'enter b',
      'exit b {"seen":["start"]}',
      'end',
    ]);
    expect(output).toEqual({ ended: { replaced: true } });
  });

  it('does not let one run see what a hook did to another run’s literals', async () => {
    const machine = await load(
      {
        context: { list: [1] },
        states: {
          a: { type: 'initial', action: 'push', transitions: [{ to: 'end' }] },
          end: { type: 'final', output: 'context.list' },
        },
      },
      {
        onAction: (_action, context) => {
          (context.list as number[]).push(2);
          return context;
        },
      },
    );
    for (let run = 0; run < 3; run++) expect((await machine.execute()).output).toEqual([1, 2]);
  });

  it('throws away what a hook does in place when it returns nothing', async () => {
    const machine = await load(
      {
        context: { n: 1 },
        states: {
          a: { type: 'initial', action: 'x', transitions: [{ to: 'e' }] },
          e: { type: 'final', output: 'context' },
        },
      },
      {
        onAction: (_action, context) => {
          context.n = 99;
        },
      },
    );
    expect((await machine.execute()).output).toEqual({ n: 1 });
  });
});

describe('limits', () => {
  const forever = {
    states: {
      a: { type: 'initial', transitions: [{ condition: 'input.stop', to: 'z' }, { to: 'a' }] },
      z: { type: 'final' },
    },
  };

  it('stops after exactly max_steps and goes on from there with a higher limit', async () => {
    const machine = await load({
      context: { n: 0 },
      settings: { max_steps: 2 },
      states: {
        a: {
          type: 'initial',
          output_to_context: { n: '{{ context.n + 1 }}' },
          transitions: [{ condition: 'context.n == 5', to: 'z' }, { to: 'a' }],
        },
        z: { type: 'final', output: { n: 'context.n' } },
      },
    });
    const first = await machine.execute({}, { id: 'limited' });
    expect(first).toMatchObject({ status: 'limit', step: 2, context: { n: 2 } });
    expect(await machine.resume('limited')).toMatchObject({ status: 'limit', step: 2 });
    const last = await machine.resume('limited', { maxSteps: 10 });
    expect(last).toMatchObject({ status: 'completed', output: { n: 5 }, step: 6 });
  });

  it('counts steps taken by on_error too', async () => {
    const machine = await load(
      {
        states: {
          a: { type: 'initial', action: 'x', on_error: 'a', transitions: [{ to: 'z' }] },
          z: { type: 'final' },
        },
        settings: { max_steps: 7 },
      },
      {
        onAction: () => {
          throw new Error('no');
        },
      },
    );
    expect(await machine.execute()).toMatchObject({ status: 'limit', step: 7 });
  });

  it('lets other work of the process run during an endless loop', async () => {
    const machine = await load({ ...forever, settings: { max_steps: 300_000 } });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const result = await machine.execute({}, { signal: stop.signal });
    expect(result.status).toBe('interrupted');
  });
});

class RateLimitError extends Error {
  override name = 'RateLimitError';
}

describe('errors', () => {
  const failing = (onError: unknown) => ({
    states: {
      a: {
        type: 'initial',
        action: 'x',
        transitions: [{ to: 'ok' }],
        ...(onError === undefined ? {} : { on_error: onError as string }),
      },
      ok: { type: 'final', output: { went: 'ok' } },
      saved: {
        type: 'final',
        output: {
          went: 'saved',
          type: 'context.last_error_type',
          message: 'context.last_error',
          state: 'context.last_error_state',
        },
      },
      other: { type: 'final', output: { went: 'other' } },
    },
  });
  const throwing: MachineHooks = {
    onAction: () => {
      throw new RateLimitError('slow down');
    },
  };

  it('routes by on_error: string, exact type, default', async () => {
    expect((await (await load(failing('saved'), throwing)).execute()).output).toMatchObject({
      went: 'saved',
      type: 'RateLimitError',
      message: 'slow down',
      state: 'a',
    });
    const byType = failing({ RateLimitError: 'saved', default: 'other' });
    expect((await (await load(byType, throwing)).execute()).output).toMatchObject({ went: 'saved' });
    const byDefault = failing({ TimeoutError: 'saved', default: 'other' });
    expect((await (await load(byDefault, throwing)).execute()).output).toMatchObject({ went: 'other' });
  });

  it('asks the hook only when on_error has no answer', async () => {
    const asked: string[] = [];
    const hooks: MachineHooks = {
      ...throwing,
      onError: (state) => {
        asked.push(state);
        return 'other';
      },
    };
    expect((await (await load(failing('saved'), hooks)).execute()).output).toMatchObject({ went: 'saved' });
    expect(asked).toEqual([]);
    expect((await (await load(failing({ TimeoutError: 'saved' }), hooks)).execute()).output).toEqual({
      went: 'other',
    });
    expect(asked).toEqual(['a']);
  });

  it('records a failure durably, and a resume retries the state', async () => {
    let calls = 0;
    const machine = await load(failing(undefined), {
      onAction: () => {
        if (++calls === 1) throw new RateLimitError('slow down', { cause: new Error('429') });
        return { output: 1 };
      },
    });
    const failed = await machine.execute({}, { id: 'f' });
    expect(failed).toMatchObject({
      status: 'failed',
      state: 'a',
      error: { error_type: 'RateLimitError', message: 'slow down', state: 'a', step: 1, causes: ['429'] },
    });
    expect((await machine.backends.persistence.executions())[0]).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('slow down'),
    });
    expect(await machine.backends.results.read('flatagents://f/result')).toEqual({
      _error: 'slow down',
      _error_type: 'RateLimitError',
    });
    expect(await machine.resume('f')).toMatchObject({ status: 'completed', output: { went: 'ok' } });
  });

  it.each(['onStateEnter', 'onStateExit', 'onTransition'] as const)(
    'routes an error in %s',
    async (method) => {
      const hooks: MachineHooks = {
        onAction: () => ({ output: 1 }),
        [method]: (state: string) => {
          if (state === 'a') throw new RateLimitError('in a hook');
        },
      };
      expect((await (await load(failing('saved'), hooks)).execute()).output).toMatchObject({
        went: 'saved',
        message: 'in a hook',
      });
    },
  );

  it('routes errors of conditions, of mappings and of a missing transition', async () => {
    const broken = (state: object) => ({
      states: {
        a: { type: 'initial', on_error: 'saved', ...state },
        z: { type: 'final' },
        saved: { type: 'final', output: 'context.last_error_type' },
      },
    });
    expect(
      (
        await (
          await load(broken({ transitions: [{ condition: 'context.x < 1', to: 'z' }] }) as never)
        ).execute()
      ).output,
    ).toBe('ExpressionError');
    expect(
      (
        await (
          await load(broken({ transitions: [{ condition: 'context.x == 1', to: 'z' }] }) as never)
        ).execute()
      ).output,
    ).toBe('NoTransitionError');
    expect(
      (
        await (
          await load(
            broken({ output_to_context: { y: '{{ context.a.b.c }}' }, transitions: [{ to: 'z' }] }) as never,
          )
        ).execute()
      ).output,
    ).toBe('TemplateError');
  });

  it('says so when nobody handles an action or a hook gives back what is not JSON', async () => {
    expect(await (await load(failing(undefined), {})).execute()).toMatchObject({
      status: 'failed',
      error: { code: 'unhandled-action' },
    });
    const bad = { onAction: () => ({ output: { when: new Date() as unknown as string } }) };
    expect(await (await load(failing(undefined), bad)).execute()).toMatchObject({
      status: 'failed',
      error: { code: 'not-json', message: expect.stringContaining('output.when') },
    });
  });

  it('keeps the context as it was before the failed step', async () => {
    const machine = await load(
      {
        context: { n: 1 },
        states: {
          a: {
            type: 'initial',
            action: 'x',
            output_to_context: { n: '{{ context.n + 1 }}', m: '{{ context.q.r.s }}' },
            on_error: 'z',
            transitions: [{ to: 'z' }],
          },
          z: { type: 'final', output: 'context.n' },
        },
      },
      { onAction: () => ({ output: 1 }) },
    );
    expect((await machine.execute()).output).toBe(1);
  });
});

describe('timeouts', () => {
  const timed = (on_error?: string) => ({
    states: {
      a: {
        type: 'initial',
        action: 'x',
        timeout: 0.2,
        transitions: [{ to: 'z' }],
        ...(on_error ? { on_error } : {}),
      },
      z: { type: 'final', output: { went: 'z' } },
      late: { type: 'final', output: 'context.last_error_type' },
    },
  });

  it('cancels work that listens and leaves work that does not, within 100 ms', async () => {
    for (const listens of [true, false]) {
      let reason: unknown;
      const machine = await load(timed('late'), {
        onAction: (_action, _context, call) =>
          new Promise((_resolve, reject) => {
            call.signal.addEventListener('abort', () => {
              reason = call.signal.reason;
              if (listens) reject(call.signal.reason);
            });
          }),
      });
      const started = performance.now();
      expect((await machine.execute()).output).toBe('TimeoutError');
      expect(performance.now() - started).toBeLessThan(320);
      expect(reason).toMatchObject({ code: 'timeout' });
    }
  });

  it('holds a deadline across a resume', async () => {
    const backend = await memory();
    let now = 1_000_000;
    const clock = { now: () => now, monotonic: () => performance.now() };
    const stop = new AbortController();
    const hooks: MachineHooks = {
      onAction: (_action, _context, call) => {
        setTimeout(() => stop.abort(), 5);
        return new Promise((_resolve, reject) =>
          call.signal.addEventListener('abort', () => reject(call.signal.reason)),
        );
      },
    };
    const long = { states: { ...timed('late').states, a: { ...timed('late').states.a, timeout: 60 } } };
    const machine = await load(long, hooks, { backend, clock });
    const first = await machine.execute({}, { id: 'd', signal: stop.signal });
    expect(first.status).toBe('interrupted');
    const record = await backend.persistence.latest('d');
    expect(record?.deadline).toBe(1_000_000 + 60_000);
    // As a crash would leave it: still `running`.
    await backend.persistence.save('crashed/step_000000', {
      ...record!,
      execution_id: 'crashed',
      step: 0,
      status: 'running',
    });
    now += 61_000;
    expect((await machine.resume('crashed')).output).toBe('TimeoutError');
  });
});

describe('stopping and resuming', () => {
  const two = {
    states: {
      a: { type: 'initial', action: 'first', transitions: [{ to: 'b' }] },
      b: { action: 'second', transitions: [{ to: 'z' }] },
      z: { type: 'final', output: 'context.done' },
    },
  };

  it('carries interrupted work over under the same identity, and a retry under another', async () => {
    const ids: string[] = [];
    const stop = new AbortController();
    const machine = await load(two, {
      onAction: (action, context, call) => {
        ids.push(call.workId);
        if (action === 'first' || ids.length > 3) return { ...context, done: ids.length };
        if (ids.length === 3) throw new Error('once');
        setTimeout(() => stop.abort(), 5);
        return new Promise((_resolve, reject) =>
          call.signal.addEventListener('abort', () => reject(call.signal.reason)),
        );
      },
    });
    expect(await machine.execute({}, { id: 'i', signal: stop.signal })).toMatchObject({
      status: 'interrupted',
      state: 'b',
    });
    expect(await machine.resume('i')).toMatchObject({ status: 'failed', state: 'b' });
    expect(await machine.resume('i')).toMatchObject({ status: 'completed' });
    expect(ids[2]).toBe(ids[1]);
    expect(ids[3]).not.toBe(ids[2]);
  });

  it('returns the stored output of a completed run and runs nothing', async () => {
    let calls = 0;
    const machine = await load(two, { onAction: (_action, context) => ({ ...context, done: ++calls }) });
    await machine.execute({}, { id: 'c' });
    expect(await machine.resume('c')).toMatchObject({ status: 'completed', output: 2 });
    expect(calls).toBe(2);
  });

  it('refuses an unknown id, a taken id, and a changed machine', async () => {
    const backend = await memory();
    const machine = await load({ ...two, context: { n: 0 } }, counting, { backend });
    await expect(machine.resume('nobody')).rejects.toMatchObject({ code: 'execution-not-found' });
    await machine.execute({}, { id: 'once', maxSteps: 1 });
    await expect(machine.execute({}, { id: 'once' })).rejects.toMatchObject({ code: 'execution-exists' });
    const changed = await load({ ...two, context: { n: 1 } }, counting, { backend });
    await expect(changed.resume('once')).rejects.toMatchObject({ code: 'config-drift' });
    expect(await changed.resume('once', { allowDrift: true })).toMatchObject({ status: 'completed' });
  });

  it('lets two runs of one id exclude each other', async () => {
    const machine = await load(two, {
      onAction: async (_action, context) => {
        await new Promise((r) => setTimeout(r, 50));
        return context;
      },
    });
    const first = machine.execute({}, { id: 'x' });
    await new Promise((r) => setTimeout(r, 10));
    await expect(machine.resume('x')).rejects.toMatchObject({ code: 'locked' });
    expect((await first).status).toBe('completed');
  });

  it('resumes from another state with a changed context, and says so in the history', async () => {
    const machine = await load(two, { onAction: (_action, context) => ({ ...context, ran: true }) });
    await machine.execute({}, { id: 'e', maxSteps: 1 });
    const result = await machine.resume('e', { from: 'z', set: { done: 'by hand' } });
    expect(result).toMatchObject({ status: 'completed', output: 'by hand' });
    const events = (await machine.backends.persistence.history('e')).map(
      ({ snapshot }) => snapshot.event ?? null,
    );
    expect(events).toContain('resume');
    await machine.execute({}, { id: 'f', maxSteps: 1 });
    await expect(machine.resume('f', { from: 'nowhere' })).rejects.toMatchObject({ code: 'unknown-state' });
  });

  it('cancels on request and gives back what it owns, once it has ended', async () => {
    const ended: string[] = [];
    const machine = await load(two, {
      onAction: (_action, _context, call) =>
        new Promise((_resolve, reject) =>
          call.signal.addEventListener('abort', () => reject(call.signal.reason)),
        ),
      onExecutionEnd: (id, status) => {
        ended.push(`${id} ${status}`);
      },
    });
    const running = machine.execute({}, { id: 'k' });
    await new Promise((r) => setTimeout(r, 20));
    await machine.backends.persistence.requestCancel('k');
    expect(await running).toMatchObject({ status: 'cancelled', output: null });
    expect(ended).toEqual(['k cancelled']);
    expect(await machine.resume('k')).toMatchObject({ status: 'cancelled' });
  });
});

describe('a request to cancel', () => {
  it('that came too late for a run that failed does not end its resume', async () => {
    let calls = 0;
    const machine = await load(
      {
        states: {
          a: { type: 'initial', action: 'x', transitions: [{ to: 'z' }] },
          z: { type: 'final', output: { ok: true } },
        },
      },
      {
        onAction: async () => {
          if (++calls === 1) throw new Error('once');
          await new Promise((resolve) => setTimeout(resolve, 700));
          return { output: 1 };
        },
      },
    );
    expect(await machine.execute({}, { id: 'late' })).toMatchObject({ status: 'failed' });
    await machine.backends.persistence.requestCancel('late');
    expect(await machine.resume('late')).toMatchObject({ status: 'completed' });
  });
});

describe('events', () => {
  it('tells the whole story live and stores what the record does not say', async () => {
    const events: ExecutionEvent[] = [];
    const machine = await load(loop, {
      onAction: (_action, context, call) => {
        call.emit({ type: 'log', level: 'info', message: `n was ${context.n}` });
        return { ...context, n: 3 };
      },
    });
    await machine.execute({}, { id: 'ev', onEvent: (event) => events.push(event) });
    expect(events.map((event) => event.type)).toEqual([
      'execution_start',
      'state_enter',
      'action_start',
      'log',
      'action_end',
      'state_exit',
      'transition',
      'step_commit',
      'state_enter',
      'state_exit',
      'step_commit',
      'execution_end',
    ]);
    expect(events[3]).toMatchObject({ execution_id: 'ev', step: 1, state: 'count', message: 'n was 0' });
    const history = await machine.backends.persistence.history('ev');
    expect(history.map((record) => record.events.map((event) => event.type))).toEqual([[], ['log'], []]);
  });
});
