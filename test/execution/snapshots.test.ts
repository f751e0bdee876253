import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { type MachineSnapshot, stepKey } from '../../src/machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';

const json = fc.jsonValue() as fc.Arbitrary<JsonValue>;
const map = fc.dictionary(fc.string(), json, { noNullPrototype: true }) as fc.Arbitrary<JsonObject>;

/** JSON has no -0: it comes back as 0. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

describe('snapshots', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flatmachine-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  for (const url of ['memory', `sqlite:${join(directory, 'x.db')}?durability=process-crash`]) {
    test(`come back from ${url.split(':')[0]} as they were stored`, async () => {
      const store = await openBackends(url);
      let count = 0;
      const facts = fc.record({
        context: map,
        input: map,
        output: json,
        details: json,
        step: fc.nat(),
        cost: fc.float({ noNaN: true, min: 0, noDefaultInfinity: true }),
      });
      await fc.assert(
        fc.asyncProperty(facts, async ({ context, input, output, details, step, cost }) => {
          const id = `run-${count++}`;
          const snapshot: MachineSnapshot = {
            execution_id: id,
            machine_name: 'm',
            spec_version: '1.0.0',
            current_state: 's',
            context: plain(context),
            step,
            created_at: new Date(0).toISOString(),
            status: 'failed',
            next_state: 's',
            work_step: step + 1,
            input: plain(input),
            config_hash: 'x',
            epoch: 0,
            output: plain(output),
            total_api_calls: 3,
            total_cost: cost,
            total_steps: step + 2,
            journal_told: 1,
            waiting_channel: 'c',
            machine_path: ['a', 'b'],
            depth: 2,
            parent_execution_id: 'p',
            pending_launches: [{ execution_id: 'l', machine: 'm', input: plain(input), launched: true }],
            error: {
              error_type: 'E',
              code: 'error',
              message: 'm',
              state: 's',
              step,
              causes: ['c'],
              details: plain(details),
            },
          };
          await store.persistence.save(stepKey(id, step), snapshot);
          expect(await store.persistence.load(stepKey(id, step))).toEqual(snapshot);
          expect(await store.persistence.latest(id)).toEqual(snapshot);
        }),
        { numRuns: 150 },
      );
      await store.close();
    });
  }

  test('whatever JSON an execution carries is the same after a resume', async () => {
    const backend = await openBackends('memory');
    const states = {
      hold: { wait_for: 'go', transitions: [{ to: 'end' }] },
      end: { type: 'final', output: { carried: 'context.carried', sent: 'input.carried' } },
    };
    const machine = await load({ context: { carried: 'input.carried' }, states }, {}, { backend });
    await fc.assert(
      fc.asyncProperty(json, async (drawn) => {
        const carried = plain(drawn);
        const { execution_id: id } = await machine.execute({ carried });
        await backend.signals.send('go', null);
        expect((await machine.resume(id)).output).toEqual({ carried, sent: carried });
      }),
      { numRuns: 150 },
    );
  });
});
