import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import type { CrashPoint } from '../../src/crash-points.ts';
import { FILES } from '../cli/waiting-machines.ts';
import { cli, directoryWith } from '../helpers/cli.ts';

/** Where a worker may die, and how often one does before one lives. */
const POINTS: readonly (readonly [CrashPoint, number])[] = [
  ['step.before-work', 4],
  ['step.before-commit', 5],
  ['step.after-commit', 5],
  ['children.planned', 3],
  ['execution.finished', 3],
];

describe.concurrent('a tree whose workers die one after another', () => {
  for (const [point, deaths] of POINTS) {
    it(`at ${point} is completed by the one that lives, and each signal counts once`, async ({ expect }) => {
      const cwd = directoryWith(FILES);
      const at = (...args: string[]) => cli(args, { cwd });
      expect((await at('run', 'parent.yml', '--id', 't', '--quiet')).code).toBe(4);
      for (const channel of ['one', 'two', 'outer']) await at('signal', channel, `"${channel}"`);
      const worker = ['worker', '--signals', '--once', '--quiet'];
      let died = 0;
      for (let i = 1; i <= deaths; i++) {
        const { signal } = await cli(worker, {
          cwd,
          env: { FLATMACHINE_CRASH_AT: `${point}#${1 + ((i - 1) % 3)}` },
        });
        if (signal === 'SIGKILL') died++;
      }
      const last = await at(...worker);
      expect({ code: last.code, failed: JSON.parse(last.stdout).failed }).toEqual({ code: 0, failed: 0 });
      expect(died).toBeGreaterThan(0);
      const shown = JSON.parse((await at('show', 't', '--json')).stdout);
      expect(shown).toMatchObject({
        status: 'completed',
        output: { waiter: { got: { value: 'outer' } }, inner: [{ got: 'one' }, { got: 'two' }] },
      });
      const all = JSON.parse((await at('ls', '--all', '--json')).stdout) as { status: string }[];
      expect(all.map(({ status }) => status)).toEqual(Array(5).fill('completed'));
      // An action that is cut off before its commit runs again under the same identity; a signal is not used twice.
      expect(new Set(readFileSync(join(cwd, 'got.txt'), 'utf8').trim().split('\n'))).toEqual(
        new Set(['outer {"value": "outer"}']),
      );
      expect((await at('run', 'waiter.yml', '--quiet', '--input', '{"channel":"outer"}')).code).toBe(4);
      rmSync(cwd, { recursive: true, force: true });
    });
  }
});
