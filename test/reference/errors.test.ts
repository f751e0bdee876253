import { describe, expect, it } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import { load } from '../helpers/machine.ts';
import { outputOf, run } from './helpers.ts';

const FACTS = { type: 'context.last_error_type', message: 'context.last_error' };
const broken = {
  type: 'script',
  config: { answers: [{ error: { code: 'rate-limit', message: 'slow down' } }] },
};

/** State `a` fails; what it routes to says where it went. */
const failing = (on_error: unknown, work: object = { agent: 'writer' }) =>
  ({
    agents: { writer: broken },
    states: {
      a: {
        type: 'initial',
        ...work,
        ...(on_error === undefined ? {} : { on_error }),
        transitions: [{ to: 'ok' }],
      },
      ok: { type: 'final', output: { went: 'ok' } },
      saved: { type: 'final', output: { went: 'saved', ...FACTS } },
      other: { type: 'final', output: { went: 'other', step: 'context.machine.step' } },
    },
  }) as never;

describe('errors', () => {
  it('case 37: an agent’s error goes to on_error, with its facts', async () => {
    expect(await outputOf(failing('saved'))).toEqual({
      went: 'saved',
      type: 'RateLimitError',
      message: expect.stringContaining('slow down'),
    });
  });

  it('case 38: exact type, then default, then the hook, then the end', async () => {
    expect(await outputOf(failing({ RateLimitError: 'saved', default: 'other' }))).toMatchObject({
      went: 'saved',
    });
    expect(await outputOf(failing({ TimeoutError: 'saved', default: 'other' }))).toMatchObject({
      went: 'other',
    });
    expect(await outputOf(failing({ TimeoutError: 'saved' }), {}, { onError: () => 'other' })).toMatchObject({
      went: 'other',
    });
    expect(await run(failing({ TimeoutError: 'saved' }))).toMatchObject({
      status: 'failed',
      error: { error_type: 'RateLimitError' },
    });
  });

  it('case 39: a failed state has no exit and no transition hook, but its step counts', async () => {
    const calls: string[] = [];
    const hooks: MachineHooks = {
      onStateExit: (state) => void calls.push(`exit ${state}`),
      onTransition: (from) => void calls.push(`transition ${from}`),
    };
    expect(await outputOf(failing('other'), {}, hooks)).toEqual({ went: 'other', step: 2 });
    expect(calls).toEqual(['exit other']);
  });

  it('case 40: errors of hooks and conditions are routed too', async () => {
    for (const method of ['onStateEnter', 'onStateExit', 'onTransition'] as const) {
      const hooks: MachineHooks = {
        [method]: (state: string) => {
          if (state === 'a') throw new RangeError(`in ${method}`);
        },
      };
      expect(await outputOf(failing({ RangeError: 'saved' }, {}), {}, hooks)).toMatchObject({
        went: 'saved',
        message: `in ${method}`,
      });
    }
    const states = {
      a: {
        type: 'initial',
        on_error: 'saved',
        transitions: [{ condition: 'context.gone > 1', to: 'saved' }],
      },
      saved: { type: 'final', output: FACTS },
    };
    expect(await outputOf({ states })).toMatchObject({ type: 'ExpressionError' });
  });

  it('case 41: a failed run leaves a durable record, and a resume tries the state again', async () => {
    let calls = 0;
    const machine = await load(failing(undefined, { action: 'x' }), {
      onAction: () => {
        if (++calls === 1) throw new TypeError('once', { cause: new Error('deeper') });
        return { output: 1 };
      },
    });
    await machine.execute({}, { id: 'f' });
    expect(await machine.backends.persistence.latest('f')).toMatchObject({
      status: 'failed',
      next_state: 'a',
      error: { error_type: 'TypeError', message: 'once', state: 'a', step: 1, causes: ['deeper'] },
    });
    expect(await machine.resume('f')).toMatchObject({ status: 'completed', output: { went: 'ok' } });
  });
});
