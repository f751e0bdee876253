import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `verdicts of the shipped task on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    beforeAll(() => {
      place = new RolloutPlace(runner);
    });
    afterAll(() => place.dispose());

    it('rewards the agent that solves it', async () => {
      const result = resultOf(await place.run('solves', {}));
      expect(result).toMatchObject({
        reward: 1,
        outcome: 'ok',
        blame: null,
        trainable: true,
        error: null,
        task: 'sales-report',
        agent: 'solve',
        turns: 6,
        runner: runner.name,
      });
      expect(result.trace).toHaveLength(6);
      expect(result.snapshot).toEqual(expect.any(String));
      expect(await place.leftovers()).toEqual([]);
    });

    it('gives the agent that bends the visible test a zero that counts', async () => {
      const result = resultOf(await place.run('gives-up', { agent: 'give-up' }));
      expect(result).toMatchObject({ reward: 0, outcome: 'nonzero', blame: 'policy', trainable: true });
      expect(result.trace).toHaveLength(3);
      expect(await place.leftovers()).toEqual([]);
    });

    it('ends the agent that hangs at its bound, daemons and all', async () => {
      const result = resultOf(await place.run('hangs', { agent: 'hang' }));
      expect(result).toMatchObject({
        reward: 0,
        outcome: 'timeout',
        blame: 'policy',
        trainable: true,
        turns: 2,
        trace: ['turn 1: run the test', 'turn 2: watch and wait'],
      });
      const { execute_ms } = result.timings as { execute_ms: number };
      // Its bound is 3 s, and the grace between TERM and KILL 2 s.
      expect(execute_ms).toBeGreaterThan(2900);
      expect(execute_ms).toBeLessThan(7500);
      expect(await place.leftovers()).toEqual([]);
    });

    it('blames a verifier that cannot run or hangs, not the agent', async () => {
      const agents = { solve: [{ cmd: 'true' }] };
      const cannot = place.task('no-verifier', { agents, verify: { cmd: './absent.sh' } });
      const grader = { reward: null, blame: 'grader', trainable: false };
      expect(resultOf(await place.run('cannot', { task: cannot }))).toMatchObject(grader);
      const hangs = place.task('hung-verifier', { agents, verify: { cmd: 'sleep 60', timeout: 0.3 } });
      expect(resultOf(await place.run('hung', { task: hangs }))).toMatchObject({
        ...grader,
        outcome: 'timeout',
      });
      expect(await place.leftovers()).toEqual([]);
    });

    it('does not let the agent put anything into the directory of the hidden tests', async () => {
      // The command's identity is in its environment, and the directory's name follows from that.
      const plant = `
        execution=\${FLATMACHINE_EXEC#*/}; execution=\${execution%%.*}
        for step in 1 2 3 4 5 6 7 8 9 10 11 12; do
          name=.verify-$(printf %s "$execution.$step" | sha256sum | cut -c1-16)
          mkdir -p "$name" "$name.new"; echo planted > "$name/planted"; echo planted > "$name.new/planted"
        done`;
      const task = place.task('planted', {
        agents: { solve: [{ cmd: plant }] },
        tests: { 'run.sh': 'ls "$TESTS" && test "$(ls "$TESTS")" = run.sh' },
        verify: { cmd: 'sh "$TESTS/run.sh"' },
      });
      expect(resultOf(await place.run('plants', { task }))).toMatchObject({ reward: 1, outcome: 'ok' });
    });
  });
}
