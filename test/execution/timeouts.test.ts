import { describe, expect, test } from 'vitest';
import { SignalDispatcher } from '../../src/execution/dispatcher.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

const BOUND_MS = 300;
const LATE_MS = 100;

/** An action that hears of nothing. */
const hooks: MachineHooks = { onAction: () => new Promise(() => {}) };

const hang = machineOf({
  name: 'hang',
  hooks: 'test',
  states: { go: { action: 'hang', transitions: [{ to: 'end' }] }, end: { type: 'final' } },
});
const parked = machineOf({
  name: 'parked',
  states: { go: { wait_for: 'never', transitions: [{ to: 'end' }] }, end: { type: 'final' } },
});

/** Kinds of work that never end by themselves. */
const KINDS: Record<string, JsonObject> = {
  action: { action: 'hang' },
  agent: { agent: 'slow' },
  'samples of an agent': { agent: 'slow', execution: { type: 'parallel' } },
  'waits between attempts': { agent: 'failing', execution: { type: 'retry', backoffs: [60], jitter: 0 } },
  'tool loop': { agent: 'slow', tool_loop: true },
  machine: { machine: 'hang' },
  'list of machines': { machine: ['hang', 'hang2'] },
  foreach: { machine: 'hang', foreach: [1, 2, 3] },
  any: { machine: ['hang', 'hang2'], mode: 'any' },
};

function machineWith(work: JsonObject): JsonObject {
  return {
    machines: { hang, hang2: hang, parked },
    agents: {
      slow: { type: 'script', config: { answers: [{ content: 'late', delay: 60 }], cycle: true } },
      failing: { type: 'script', config: { answers: [{ error: { code: 'server' } }], cycle: true } },
    },
    states: {
      go: {
        ...work,
        timeout: BOUND_MS / 1000,
        on_error: { TimeoutError: 'late' },
        transitions: [{ to: 'end' }],
      },
      late: { type: 'final', output: { late: true } },
      end: { type: 'final', output: { late: false } },
    },
  };
}

// What else runs on the machine can take 100 ms away from any one try; a timer that is late by itself is late in all three.

describe(`a timeout ends work within ${LATE_MS} ms of its bound`, { retry: 2 }, () => {
  for (const [kind, work] of Object.entries(KINDS)) {
    test(kind, async () => {
      const machine = await load(machineWith(work), hooks);
      // What is loaded on demand is there already.
      await machine.execute();
      const started = performance.now();
      const result = await machine.execute();
      const took = performance.now() - started;
      expect(result.output).toEqual({ late: true });
      expect(took).toBeGreaterThanOrEqual(BOUND_MS - 5);
      expect(took).toBeLessThan(BOUND_MS + LATE_MS);
      await machine.settled();
    });
  }

  for (const [kind, work] of [
    ['wait_for', { wait_for: 'never' }],
    ['a child that is parked', { machine: 'parked' }],
  ] as const) {
    test(`${kind}, by a dispatcher`, async () => {
      const backend = await memory();
      const machine = await load(machineWith(work), hooks, { backend });
      const stop = new AbortController();
      let ended = () => {};
      const end = new Promise<void>((resolve) => {
        ended = resolve;
      });
      const dispatcher = new SignalDispatcher({
        backends: backend,
        resume: async (id) => {
          const result = await machine.resume(id);
          if (result.status === 'completed') ended();
          return result;
        },
      });
      const running = dispatcher.run(stop.signal);
      const started = performance.now();
      expect((await machine.execute({}, { id: 'x' })).status).toBe('waiting');
      await end;
      expect(performance.now() - started).toBeLessThan(BOUND_MS + LATE_MS);
      stop.abort();
      await running;
      expect((await backend.persistence.latest('x'))?.output).toEqual({ late: true });
      await machine.settled();
      expect(await backend.signals.waits()).toEqual([]);
    });
  }
});
