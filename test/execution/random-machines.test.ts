import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BackendSet } from '../../src/backends/interfaces.ts';
import { isFlatMachineError } from '../../src/errors.ts';
import type { MachineHooks } from '../../src/execution/interfaces.ts';
import type { ExecutionResult } from '../../src/execution/setup.ts';
import type { FlatMachine } from '../../src/flatmachine.ts';
import { TERMINAL_STATUSES } from '../../src/machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { dyingStore } from '../helpers/dying-store.ts';
import { load, machineOf, memory } from '../helpers/machine.ts';

/** Work whose result depends on what it is given alone. `flaky` fails for some inputs. */
const hooks: MachineHooks = {
  async onAction(action, _context, call) {
    const n = typeof call.input.n === 'number' ? call.input.n : 0;
    if (action === 'flaky' && n % 3 === 0) throw Object.assign(new Error(`no ${n}`), { name: 'FlakyError' });
    if (action === 'later') await new Promise((resolve) => setTimeout(resolve, 0));
    return { output: { n: n + 1 } };
  },
};

const agents = { teller: { type: 'script', config: { answers: ['a', 'b', 'c', 'd', 'e'], cycle: true } } };
const count = '{{ context.n + 1 }}';
const input = { n: 'context.n' };
const mapped = { n: '{{ (output.n | default(0)) + 1 }}' };

/** A child that takes `steps` steps of its own. */
function childOf(steps: number): JsonValue {
  const states: JsonObject = { end: { type: 'final', output: { n: 'context.n' } } };
  for (let i = steps - 1; i >= 0; i--) {
    const to = i === steps - 1 ? 'end' : `c${i + 1}`;
    const asks = i % 2 === 1 ? { agent: 'teller' } : {};
    states[`c${i}`] = { action: 'inc', ...asks, input, output_to_context: mapped, transitions: [{ to }] };
  }
  return machineOf({
    name: `child${steps}`,
    hooks: 'test',
    agents,
    context: { n: 'input.n' },
    states: { c0: states.c0 as JsonValue, ...states },
  });
}

/** What a state does, without its transitions. */
const work: fc.Arbitrary<JsonObject> = fc.oneof<fc.Arbitrary<JsonObject>[]>(
  fc.constant({ output_to_context: { n: count } }),
  fc
    .constantFrom('inc', 'later', 'flaky')
    .map((action) => ({ action, input, output_to_context: mapped, on_error: 'rescue' })),
  fc.constantFrom('child1', 'child2').map((machine) => ({ machine, input, output_to_context: mapped })),
  fc
    .record({ machine: fc.constantFrom('child1', 'child2'), size: fc.integer({ min: 0, max: 4 }) })
    .map(({ machine, size }) => ({
      foreach: Array.from({ length: size }, (_, i) => i),
      machine,
      input: { n: 'item' },
      output_to_context: { n: '{{ context.n + (output | length) }}', list: 'output' },
    })),
  fc.constant({
    agent: 'teller',
    execution: { type: 'parallel', n_samples: 3 },
    output_to_context: { said: 'output', n: count },
  }),
  fc.constant({ agent: 'teller', output_to_context: { said: 'output.content', n: count } }),
  fc.constant({ wait_for: 'bell', output_to_context: { rung: 'output', n: count } }),
  fc.constant({
    action: 'inc',
    machine: ['child1', 'child2'],
    input,
    output_to_context: { both: 'output', n: count },
  }),
);

/** A machine that goes forward, now and then back, and ends. */
const machines: fc.Arbitrary<JsonObject> = fc
  .array(fc.record({ work, skip: fc.integer({ min: 1, max: 3 }), back: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((drawn) => {
    const states: JsonObject = {};
    const name = (i: number) => (i < drawn.length ? `s${i}` : 'end');
    drawn.forEach(({ work, skip, back }, i) => {
      const transitions: JsonValue[] = [];
      if (back) transitions.push({ condition: 'context.n < 4', to: 's0' });
      transitions.push({ condition: 'context.n % 2 == 0', to: name(i + skip) }, { to: name(i + 1) });
      states[`s${i}`] = { ...work, transitions };
    });
    states.rescue = { output_to_context: { n: '{{ context.n + 2 }}' }, transitions: [{ to: 'end' }] };
    states.end = { type: 'final', output: 'context' };
    return {
      context: { n: 0, list: null, said: null, rung: null, both: null },
      settings: { max_steps: 60 },
      machines: { child1: childOf(1), child2: childOf(2) },
      agents,
      states,
    };
  });

async function ring(backends: BackendSet): Promise<void> {
  for (let i = 0; i < 70; i++) await backends.signals.send('bell', i);
}

/** Everything about a result that a crash must not change. */
async function essence(result: ExecutionResult, backends: BackendSet): Promise<JsonObject> {
  const last = await backends.persistence.latest(result.execution_id);
  const children = await backends.persistence.executions({ parent: result.execution_id });
  const { last_error: _, ...context } = result.context;
  return {
    status: result.status,
    output: result.output,
    context,
    calls: last?.total_api_calls ?? 0,
    children: children.map(({ execution_id, status }) => `${execution_id} ${status}`).sort(),
    bells: (await backends.signals.queued('bell')).length,
  };
}

/** Runs it with a death at each of these writes in turn; every time the next process goes on. */
async function runDying(
  machine: FlatMachine,
  store: ReturnType<typeof dyingStore>,
  deaths: readonly [number, 'before' | 'after'][],
): Promise<ExecutionResult> {
  const statuses: string[] = [];
  const go = async () => {
    const known = (await store.backends.persistence.latest('x')) !== null;
    return known ? machine.resume('x', { retry: false }) : machine.execute({}, { id: 'x' });
  };
  for (const [n, when] of deaths) {
    store.revive();
    store.dieAt(n, when);
    try {
      const result = await go();
      statuses.push(result.status);
    } catch (error) {
      if (!isFlatMachineError(error, 'backend')) throw error;
    }
    await machine.settled().catch((error: unknown) => {
      if (!store.dead) throw error;
    });
  }
  store.revive();
  const result = await go();
  statuses.push(result.status);
  const firstEnd = statuses.findIndex((status) => TERMINAL_STATUSES.has(status as ExecutionResult['status']));
  // A terminal status never changes.
  expect(new Set(statuses.slice(firstEnd)).size).toBe(1);
  return result;
}

describe('random machines', () => {
  test('run the same straight through and with deaths at random writes', { timeout: 120_000 }, async () => {
    const deaths = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 25 }), fc.constantFrom('before' as const, 'after' as const)),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(machines, deaths, async (data, killed) => {
        const quiet = await memory();
        await ring(quiet);
        const straight = await (await load(data, hooks, { backend: quiet })).execute({}, { id: 'x' });
        const store = dyingStore(await memory());
        await ring(store.backends);
        const machine = await load(data, hooks, { backend: store.backends });
        const again = await runDying(machine, store, killed);
        expect(await essence(again, store.backends)).toEqual(await essence(straight, quiet));
      }),
      { numRuns: 300 },
    );
  });
});
