import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CliResult } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const KILLS = 15;
const TURNS = 12;

/** How long a process is left alone, milliseconds; starting takes about 150 of them. */
const SHORTEST = 20;
const LONGEST = 350;

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `a storm of kill -9 on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    beforeAll(() => {
      place = new RolloutPlace(runner);
    });
    afterAll(() => place.dispose());

    it(`${KILLS} kills at random moments, and each turn ran once`, { timeout: 120_000 }, async () => {
      const turns = Array.from({ length: TURNS }, (_, n) => ({
        cmd: `echo ${n} >> journal.log; sleep 0.3; echo ${n} is over >> journal.log`,
      }));
      const task = place.task('storm', { agents: { solve: turns }, trace: 'journal.log' });
      let kills = 0;
      let running = await place.start('storm', { task });
      // Before its first commit there is nothing to resume.
      await running.saw(/entered/);
      let ended: CliResult;
      for (;;) {
        if (kills < KILLS) {
          await Promise.race([sleep(SHORTEST + Math.random() * (LONGEST - SHORTEST)), running.ended]);
          running.child.kill('SIGKILL');
        }
        ended = await running.ended;
        if (ended.signal === null) break;
        kills++;
        running = await place.command(['resume', 'storm']);
      }
      expect(kills).toBe(KILLS);
      const result = resultOf(ended);
      expect(result).toMatchObject({ reward: 1, outcome: 'ok', turns: TURNS });
      expect(result.trace).toEqual(turns.flatMap((_, n) => [`${n}`, `${n} is over`]));
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
