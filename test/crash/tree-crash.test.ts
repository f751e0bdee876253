import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { type CrashPoint, WORK_POINTS } from '../../src/crash-points.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { type CliResult, cli, temporaryDirectory } from '../helpers/cli.ts';

const machine = join(packageRoot(), 'test', 'fixtures', 'crash', 'tree.yml');

/** Points that every step and every child passes: at some of the passings, spread over the tree. */
const SOME_PASSINGS: Partial<Record<CrashPoint, readonly number[]>> = {
  'execution.started': [1, 2, 4],
  'step.before-commit': [1, 5, 9, 13, 17, 20],
  'step.after-commit': [1, 6, 10, 14, 19],
  'execution.finished': [1, 3, 5],
};

/** Points that are passed by whoever runs the machine; `signal.sent` is the sender's. */
const POINTS = WORK_POINTS.filter((point) => point !== 'signal.sent');

/** What must be the same after a kill: the result, the effects, the children, the signals. */
interface Outcome {
  output: JsonObject;
  effects: string[];
  executions: string[];
  waits: number;
  queued: number;
  calls: number;
}

describe('kill -9 inside a state', () => {
  const directories: string[] = [];
  let quiet: Outcome;

  beforeAll(async () => {
    quiet = (await runTree(null)) as Outcome;
    expect(quiet.effects.length).toBe(1 + 5 * 2 + 3);
    expect(quiet).toMatchObject({ waits: 0, queued: 0 });
  }, 60_000);
  afterAll(() => {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });

  /**
   * Runs the tree to its end, sending a signal whenever it parks. `armed`: where the process dies, once; it is then resumed. null: it ended without coming there.
   */
  async function runTree(armed: { point: CrashPoint; passing: number } | null): Promise<Outcome | null> {
    const directory = temporaryDirectory();
    directories.push(directory);
    const run = (args: string[], env: Record<string, string> = {}) =>
      cli([...args, '--quiet'], { cwd: directory, env });
    const trap = armed === null ? {} : { FLATMACHINE_CRASH_AT: `${armed.point}#${armed.passing}` };
    let died = false;
    let sent = 0;
    let last: CliResult = await run(['run', machine, '--id', 'root'], trap);
    while (last.code !== 0) {
      if (last.signal === 'SIGKILL') {
        died = true;
        last = await run(['resume', 'root']);
      } else if (last.code === 4) {
        const armedAgain = died ? {} : trap;
        const channel = sent === 0 ? 'inner' : 'outer';
        if (sent < 2) {
          expect(await cli(['signal', channel, `{"n": ${sent}}`], { cwd: directory })).toMatchObject({
            code: 0,
          });
          sent++;
        }
        last = await run(['resume', 'root'], armedAgain);
      } else {
        expect(last).toMatchObject({ code: 0 });
      }
    }
    if (armed !== null && !died) return null;
    return outcomeOf(directory, last.stdout);
  }

  for (const point of POINTS) {
    test(`ends the same after a kill at every passing of ${point}`, { timeout: 120_000 }, async () => {
      let passing = 1;
      for (; ; passing++) {
        const outcome = await runTree({ point, passing });
        if (outcome === null) break;
        expect(outcome, `passing ${passing}`).toEqual(quiet);
      }
      expect(passing, 'it was never passed').toBeGreaterThan(1);
    });
  }

  for (const [point, passings] of Object.entries(SOME_PASSINGS)) {
    test(`ends the same after a kill at some passings of ${point}`, { timeout: 120_000 }, async () => {
      for (const passing of passings) {
        const outcome = await runTree({ point: point as CrashPoint, passing });
        expect(outcome, `passing ${passing}`).toEqual(quiet);
      }
    });
  }

  test('a signal whose sender dies once it is stored arrives all the same', async () => {
    const directory = temporaryDirectory();
    directories.push(directory);
    const place = `sqlite:${join(directory, '.flatmachine', 'flatmachine.db')}`;
    await (await openBackends(place)).close();
    const trap = { FLATMACHINE_CRASH_AT: 'signal.sent' };
    expect(await cli(['signal', 'door', '{"n": 7}'], { cwd: directory, env: trap })).toMatchObject({
      signal: 'SIGKILL',
    });
    const store = await openBackends(place);
    expect((await store.signals.queued('door')).map(({ data }) => data)).toEqual([{ n: 7 }]);
    await store.close();
  });
});

async function outcomeOf(directory: string, stdout: string): Promise<Outcome> {
  const store = await openBackends(`sqlite:${join(directory, '.flatmachine', 'flatmachine.db')}`);
  const all = await store.persistence.executions({});
  const root = await store.persistence.latest('root');
  const outcome = {
    output: JSON.parse(stdout) as JsonObject,
    effects: readdirSync(join(directory, 'effects'))
      .filter((name) => name !== 'calls')
      .sort(),
    executions: all.map(({ execution_id, status }) => `${execution_id} ${status}`).sort(),
    waits: (await store.signals.waits()).length,
    queued: (await store.signals.queued()).length,
    calls: root?.total_api_calls ?? 0,
  };
  await store.close();
  return outcome;
}
