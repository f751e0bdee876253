import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningCli } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

/** Three turns, of which the second takes this long, seconds. */
const LONG = 3;
const TURNS = [
  { cmd: 'echo one >> journal.log' },
  { cmd: `echo two >> journal.log; echo begun; sleep ${LONG}; echo two is over >> journal.log` },
  { cmd: 'echo three >> journal.log' },
];
const TRACE = ['one', 'two', 'two is over', 'three'];

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `stopping a rollout on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    let slow: string;
    let endless: string;
    beforeAll(() => {
      place = new RolloutPlace(runner);
      slow = place.task('slow', { agents: { solve: TURNS }, trace: 'journal.log' });
      const daemons = 'setsid sleep 71 & ( ( sleep 72 ) & ) ; trap "" TERM; echo begun; sleep 73';
      endless = place.task('endless', { agents: { solve: [{ cmd: daemons }] } });
    });
    afterAll(() => place.dispose());

    async function begun(id: string, task: string): Promise<RunningCli> {
      const running = await place.start(id, { task });
      await running.saw(/│ begun/);
      return running;
    }

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`${signal} in mid-command leaves the command to the one who resumes, who joins it`, async () => {
        const running = await begun(signal, slow);
        const asked = performance.now();
        running.child.kill(signal);
        const { code, stdout, stderr } = await running.ended;
        expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
        expect(performance.now() - asked).toBeLessThan(1000 * LONG);
        expect(stderr).toContain(`→ flatmachine resume ${signal}`);
        const resumed = await place.do('resume', signal);
        expect(resumed.stderr).toContain('joined: it was running already');
        expect(resultOf(resumed)).toMatchObject({ reward: 1, turns: 3, trace: TRACE });
        expect(await place.leftovers()).toEqual([]);
      });
    }

    it('a resume long after the interruption collects what the command came to meanwhile', async () => {
      const running = await begun('late', slow);
      running.child.kill('SIGINT');
      await running.ended;
      await sleep(1000 * LONG);
      const resumed = await place.do('resume', 'late');
      expect(resumed.stderr).not.toContain('joined');
      expect(resultOf(resumed)).toMatchObject({ reward: 1, turns: 3, trace: TRACE });
      expect(await place.leftovers()).toEqual([]);
    });

    it('cancel in mid-command ends the command with its whole tree, and has given everything back when it says so', async () => {
      const running = await begun('cancelled', endless);
      const asked = performance.now();
      const cancel = await place.do('cancel', 'cancelled');
      expect(cancel).toMatchObject({ code: 0, stdout: '', stderr: 'cancelled  cancelled\n' });
      const holder = `process ${running.child.pid}:`;
      expect((await place.leftovers()).filter((left) => !left.startsWith(holder))).toEqual([]);
      const { code, stdout } = await running.ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(performance.now() - asked).toBeLessThan(8000);
      expect(await place.leftovers()).toEqual([]);
      expect(await place.do('resume', 'cancelled')).toMatchObject({ code: 1, stdout: '' });
    });

    it('cancel after a kill -9 in mid-command does the same', async () => {
      const killed = await begun('dead', endless);
      killed.child.kill('SIGKILL');
      await killed.ended;
      expect(await place.leftovers()).not.toEqual([]);
      const cancel = await place.do('cancel', 'dead');
      expect(cancel).toMatchObject({ code: 0, stdout: '', stderr: 'cancelled  dead\n' });
      expect(await place.leftovers()).toEqual([]);
    });

    it('gc --reap after a kill -9 takes everything away; a resume says that the sandbox is lost', async () => {
      const killed = await begun('reaped', endless);
      killed.child.kill('SIGKILL');
      await killed.ended;
      const spared = await place.do('gc', '--reap');
      expect({ code: spared.code, stdout: spared.stdout }).toEqual({ code: 0, stdout: '' });
      const dry = await place.do('gc', '--reap', '--grace', '0', '--dry-run');
      expect(await place.leftovers()).not.toEqual([]);
      const reaped = await place.do('gc', '--reap', '--grace', '0');
      expect(reaped.code).toBe(0);
      expect(reaped.stdout).toMatch(/its execution was abandoned/);
      expect(reaped.stdout).toBe(dry.stdout);
      expect(await place.leftovers()).toEqual([]);
      expect(resultOf(await place.do('resume', 'reaped'))).toMatchObject({
        reward: null,
        outcome: 'sandbox_lost',
        blame: 'infra',
        trainable: false,
      });
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
