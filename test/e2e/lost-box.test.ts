import { afterAll, beforeAll, expect, it } from 'vitest';
import { breakBox } from '../helpers/break-box.ts';
import type { RunningCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const LOST = { reward: null, outcome: 'sandbox_lost', blame: 'infra', trainable: false };

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `a box that is lost on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    beforeAll(() => {
      place = new RolloutPlace(runner);
    });
    afterAll(() => place.dispose());

    /** Breaks the box once the rollout says that it is there, and waits for its result. */
    async function breakAt(running: RunningCli, sign: RegExp) {
      await running.saw(sign);
      await breakBox(runner, await place.environment());
      const broken = performance.now();
      const result = resultOf(await running.ended);
      expect(performance.now() - broken, 'milliseconds until it was noticed').toBeLessThan(15_000);
      return result;
    }

    it('in mid-command of a turn', async () => {
      const task = place.task('turn', {
        agents: { solve: [{ cmd: 'echo begun; sleep 61' }, { cmd: 'true' }] },
      });
      const result = await breakAt(await place.start('turn', { task }), /│ begun/);
      expect(result).toMatchObject({ ...LOST, turns: 0, snapshot: null, error: expect.any(String) });
      expect(await place.leftovers()).toEqual([]);
    });

    it('in mid-command of the verifier', async () => {
      const task = place.task('verifier', {
        agents: { solve: [{ cmd: 'true' }] },
        verify: { cmd: 'echo judging; sleep 62' },
      });
      const result = await breakAt(await place.start('verifier', { task }), /│ judging/);
      expect(result).toMatchObject({ ...LOST, turns: 1 });
      expect(await place.leftovers()).toEqual([]);
    });

    it('between two turns, and while nobody runs the rollout', async () => {
      const task = place.task('between', {
        agents: { solve: [{ cmd: 'echo one' }, { cmd: 'echo two' }, { cmd: 'echo three' }] },
      });
      const stopped = await place.run('between', { task }, ['--max-steps', '4']);
      expect({ code: stopped.code, stdout: stopped.stdout }).toEqual({ code: 3, stdout: '' });
      await breakBox(runner, await place.environment());
      const result = resultOf(await place.do('resume', 'between', '--max-steps', '100'));
      expect(result).toMatchObject({ ...LOST, turns: 1 });
      expect(await place.leftovers()).toEqual([]);
    });

    it('after a kill -9 in mid-command, for the one who resumes', async () => {
      const task = place.task('killed', { agents: { solve: [{ cmd: 'echo begun; sleep 63' }] } });
      const killed = await place.start('killed', { task });
      await killed.saw(/│ begun/);
      killed.child.kill('SIGKILL');
      await killed.ended;
      await breakBox(runner, await place.environment());
      const result = resultOf(await place.do('resume', 'killed'));
      expect(result).toMatchObject({ ...LOST, turns: 0 });
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
