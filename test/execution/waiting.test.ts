import { describe, expect, test } from 'vitest';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

const approval: JsonObject = {
  context: { ticket: 'input.ticket', got: null },
  states: {
    ask: {
      wait_for: 'approval/{{ context.ticket }}',
      output_to_context: { got: 'output' },
      on_error: { TimeoutError: 'late' },
      transitions: [{ to: 'done' }],
    },
    late: { type: 'final', output: { late: true } },
    done: { type: 'final', output: 'context.got' },
  },
};

describe('wait_for', () => {
  test('without a signal the execution parks; with one it goes on where it was', async () => {
    const backend = await memory();
    const machine = await load(approval, {}, { backend });
    const parked = await machine.execute({ ticket: 7 }, { id: 'a' });
    expect(parked.status).toBe('waiting');
    expect(await backend.persistence.latest('a')).toMatchObject({
      status: 'waiting',
      waiting_channel: 'approval/7',
      next_state: 'ask',
    });
    expect(await backend.locking.holder('a')).toBe(null);
    expect((await backend.signals.ready(Date.now(), 10)).length).toBe(0);
    // Asked again with nothing new: no further record.
    expect((await machine.resume('a')).step).toBe(parked.step);
    await backend.signals.send('approval/7', { ok: true });
    expect((await backend.signals.ready(Date.now(), 10)).map(({ execution_id }) => execution_id)).toEqual([
      'a',
    ]);
    const done = await machine.resume('a');
    expect(done).toMatchObject({ status: 'completed', output: { ok: true } });
    expect(await backend.signals.waits()).toEqual([]);
    expect(await backend.signals.queued()).toEqual([]);
  });

  test('a queued signal is taken at once; a payload that is no map comes under `value`', async () => {
    const backend = await memory();
    const machine = await load(approval, {}, { backend });
    await backend.signals.send('approval/7', 'yes');
    await backend.signals.send('approval/7', 'second');
    expect(await machine.execute({ ticket: 7 })).toMatchObject({
      status: 'completed',
      output: { value: 'yes' },
    });
    expect((await backend.signals.queued('approval/7')).map(({ data }) => data)).toEqual(['second']);
  });

  test('the deadline is stored with the park and fires for whoever resumes after it', async () => {
    const backend = await memory();
    const states = approval.states as JsonObject;
    const data = { ...approval, states: { ...states, ask: { ...(states.ask as JsonObject), timeout: 0.1 } } };
    const machine = await load(data, {}, { backend });
    expect((await machine.execute({ ticket: 1 }, { id: 'd' })).status).toBe('waiting');
    expect((await backend.signals.ready(Date.now(), 10)).length).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect((await backend.signals.ready(Date.now(), 10)).length).toBe(1);
    expect(await machine.resume('d')).toMatchObject({ status: 'completed', output: { late: true } });
    // Nobody waits any more: the signal that comes now is queued.
    await backend.signals.send('approval/1', 1);
    expect((await backend.signals.queued('approval/1')).length).toBe(1);
  });

  test('what comes before wait_for in the state is not done again', async () => {
    const calls: string[] = [];
    const hooks: MachineHooks = {
      onAction(action) {
        calls.push(action);
        return { output: { ticket: calls.length } };
      },
    };
    const backend = await memory();
    const machine = await load(
      {
        context: { t: null },
        states: {
          ask: {
            action: 'open',
            wait_for: 'approval/{{ context.t }}',
            output_to_context: { t: '{{ output.ticket }}' },
            transitions: [{ to: 'done' }],
          },
          done: { type: 'final', output: { t: 'context.t' } },
        },
      },
      hooks,
      { backend },
    );
    expect((await machine.execute({}, { id: 'x' })).status).toBe('waiting');
    await backend.signals.send('approval/1', { ticket: 'signed' });
    expect(await machine.resume('x')).toMatchObject({ status: 'completed', output: { t: 'signed' } });
    expect(calls).toEqual(['open']);
  });

  test('a parent parks with its child, and goes on after it', async () => {
    const backend = await memory();
    const asks = (name: string) => machineOf({ name, hooks: 'test', ...approval });
    const machine = await load(
      {
        machines: { one: asks('one'), two: asks('two') },
        context: { got: null },
        states: {
          both: {
            machine: [
              { name: 'one', input: { ticket: 1 } },
              { name: 'two', input: { ticket: 2 } },
            ],
            output_to_context: { got: 'output' },
            transitions: [{ to: 'done' }],
          },
          done: { type: 'final', output: 'context.got' },
        },
      },
      {},
      { backend },
    );
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    expect((await backend.persistence.latest('p'))?.waiting_channel).toBeUndefined();
    await backend.signals.send('approval/1', { n: 1 });
    await backend.signals.send('approval/2', { n: 2 });
    for (const [id, child] of [
      ['p.1.0', 'one'],
      ['p.1.1', 'two'],
    ] as const) {
      expect((await machine.at([child])?.resume(id))?.status).toBe('completed');
    }
    expect((await backend.signals.ready(Date.now(), 10)).map(({ execution_id }) => execution_id)).toEqual([
      'p',
    ]);
    expect(await machine.resume('p')).toMatchObject({
      status: 'completed',
      output: { one: { n: 1 }, two: { n: 2 } },
    });
    expect(await backend.signals.waits()).toEqual([]);
  });

  test('cancelling a parked parent cancels its parked child', async () => {
    const backend = await memory();
    const inner = machineOf({ name: 'inner', hooks: 'test', ...approval });
    const data = {
      machines: { inner },
      states: {
        go: { machine: 'inner', input: { ticket: 1 }, transitions: [{ to: 'end' }] },
        end: { type: 'final' },
      },
    };
    const machine = await load(data, {}, { backend });
    expect((await machine.execute({}, { id: 'p' })).status).toBe('waiting');
    await backend.persistence.requestCancel('p');
    expect((await machine.resume('p')).status).toBe('cancelled');
    expect((await backend.persistence.latest('p.1.0'))?.status).toBe('cancelled');
    expect(await backend.signals.waits()).toEqual([]);
  });
});
