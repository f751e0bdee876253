import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROLLOUT_POINTS } from '../../src/crash-points.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { cli, temporaryDirectory } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { leftovers } from '../helpers/leftovers.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const machine = join(packageRoot(), 'machines', 'rollout.yml');

/**
 * Which passings of a point to kill at. Locally every one: until the rollout ends before the n-th. Steps and commands are the same code on every
 * runner, so elsewhere the first and, for points passed once per step or command, later ones. The points themselves come from the code.
 */
const SOME_PASSINGS: Record<string, readonly number[]> = {
  'step.before-work': [1, 4],
  'step.after-work': [2, 5],
  'step.before-commit': [3, 6],
  'step.after-commit': [2, 5],
  'command.before-send': [1, 3],
  'command.sent': [1, 2, 4],
  'command.finished': [1, 3],
};

/** What must be equal after a crash: everything but times and names that carry the execution's id. */
function essence(stdout: string): JsonObject {
  const { timings, snapshot, ...rest } = JSON.parse(stdout) as JsonObject;
  expect(timings).toBeTypeOf('object');
  return { ...rest, frozen: snapshot !== null };
}

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `kill -9 of a rollout on ${runner.name}`, runner.found, () => {
    const directories: string[] = [];
    const run = (directory: string, args: string[], env: Record<string, string> = {}) =>
      cli([...args, '--quiet'], { cwd: directory, env: { ...runner.env, ...env }, timeout: 120_000 });
    const start = (directory: string, id: string, env?: Record<string, string>) =>
      run(directory, ['run', machine, '--id', id, '--runner', runner.name, '--input', runner.input], env);
    let quiet: JsonObject;

    beforeAll(async () => {
      const directory = temporaryDirectory();
      directories.push(directory);
      const { code, stdout, stderr } = await start(directory, 'quiet');
      expect({ code, stderr }).toMatchObject({ code: 0 });
      quiet = essence(stdout);
      expect(quiet).toMatchObject({ reward: 1, outcome: 'ok' });
      expect(await leftovers(directory, ['quiet'], runner)).toEqual([]);
    }, 120_000);

    afterAll(() => {
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    });

    /** Kills a rollout at a passing of a point and resumes it. False: it ended before it came there. */
    async function killAndResume(point: string, passing: number): Promise<boolean> {
      const directory = temporaryDirectory();
      directories.push(directory);
      const id = `crash-${point.replace(/[^a-z]/g, '-')}-${passing}`;
      const killed = await start(directory, id, { FLATMACHINE_CRASH_AT: `${point}#${passing}` });
      if (killed.code === 0) return false;
      expect(killed).toMatchObject({ signal: 'SIGKILL' });
      const resumed = await run(directory, ['resume', id]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
      expect(essence(resumed.stdout)).toEqual(quiet);
      expect(await leftovers(directory, [id], runner)).toEqual([]);
      return true;
    }

    for (const point of ROLLOUT_POINTS) {
      it(`ends the same after a kill at ${point}`, { timeout: 300_000 }, async () => {
        if (runner.name !== 'local') {
          for (const passing of SOME_PASSINGS[point] ?? [1]) {
            expect(await killAndResume(point, passing), `never passed ${point} ${passing} times`).toBe(true);
          }
          return;
        }
        let passing = 1;
        while (await killAndResume(point, passing)) passing++;
        expect(passing, `a rollout never passes ${point}`).toBeGreaterThan(1);
      });
    }
  });
}
