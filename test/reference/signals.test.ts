import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { load, memory } from '../helpers/machine.ts';
import { child, oneState } from './helpers.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryDirectory();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const waiting = (channel: string, rest: JsonObject = {}) => oneState({ wait_for: channel, ...rest });

describe('signals', () => {
  it('case 86: a queued signal goes on at once; without one the execution parks, listed by channel', async () => {
    const backend = await memory();
    const machine = await load(waiting('approval/{{ input.id }}'), {}, { backend });
    await backend.signals.send('approval/1', { ok: true });
    expect(await machine.execute({ id: 1 })).toMatchObject({ status: 'completed', output: { ok: true } });

    expect(await machine.execute({ id: 2 }, { id: 'parked' })).toMatchObject({
      status: 'waiting',
      state: 'a',
      output: null,
    });
    expect(await backend.locking.holder('parked')).toBeNull();
    expect((await backend.signals.waits('approval/2')).map(({ execution_id: id }) => id)).toEqual(['parked']);
    expect(await backend.persistence.latest('parked')).toMatchObject({
      status: 'waiting',
      waiting_channel: 'approval/2',
    });
    expect(await machine.resume('parked')).toMatchObject({ status: 'waiting' });
    await backend.signals.send('approval/2', 'a scalar');
    expect(await machine.resume('parked')).toMatchObject({
      status: 'completed',
      output: { value: 'a scalar' },
    });
    expect(await backend.signals.waits()).toEqual([]);
    expect(await backend.signals.queued()).toEqual([]);
  });

  it('case 87: first in, first out; each delivered once; whoever waits is told, all of them', async () => {
    const url = `sqlite:${join(dir, 'store.db')}`;
    const sets = await Promise.all([openBackends(url), openBackends(url), openBackends(url)]);
    const machines = await Promise.all(sets.map((backend) => load(waiting('jobs'), {}, { backend })));
    for (let n = 0; n < 12; n++) await sets[0]!.signals.send('jobs', { n });
    const seen: JsonValue[][] = await Promise.all(
      machines.map(async (machine) => {
        const mine: JsonValue[] = [];
        for (let i = 0; i < 4; i++)
          mine.push(((await machine.execute()).output as JsonObject).n as JsonValue);
        return mine;
      }),
    );
    for (const mine of seen) expect(mine).toEqual([...mine].sort((a, b) => Number(a) - Number(b)));
    expect(seen.flat().sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 12 }, (_, n) => n),
    );

    for (const [i, machine] of machines.entries())
      expect((await machine.execute({}, { id: `w${i}` })).status).toBe('waiting');
    await sets[0]!.signals.send('jobs', { all: true });
    for (const [i, machine] of machines.entries())
      expect((await machine.resume(`w${i}`)).output).toEqual({ all: true });
    await Promise.all(sets.map((set) => set.close()));
  });

  it('case 88: the parent of a parked child parks too, and ends after the signal', async () => {
    const backend = await memory();
    let calls = 0;
    const asking = child({
      hooks: 'test',
      states: {
        before: { type: 'initial', action: 'count', transitions: [{ to: 'ask' }] },
        ask: {
          wait_for: 'answer',
          output_to_context: { got: 'output.answer' },
          transitions: [{ to: 'end' }],
        },
        end: { type: 'final', output: { got: 'context.got' } },
      },
    });
    const machine = await load(
      oneState({ machine: 'asking' }, { machines: { asking } }),
      { onAction: () => ({ output: ++calls }) },
      { backend },
    );
    expect(await machine.execute({}, { id: 'p' })).toMatchObject({ status: 'waiting', state: 'a' });
    expect(await machine.resume('p')).toMatchObject({ status: 'waiting' });
    await backend.signals.send('answer', { answer: 42 });
    expect(await machine.resume('p')).toMatchObject({ status: 'completed', output: { got: 42 } });
    expect(calls).toBe(1);
    expect(await backend.persistence.executions({ parent: 'p' })).toHaveLength(1);
  });
});
