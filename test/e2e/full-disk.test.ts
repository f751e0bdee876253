import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { SmallDisk, smallDiskAvailability } from '../helpers/small-disk.ts';

const mounts = smallDiskAvailability();
/** What an agent does to a disk. */
const FILL = 'echo filling; dd if=/dev/zero of=big bs=64k 2>/dev/null; echo full';

for (const runner of runnersUnderTest) {
  // A container's disk is the daemon's.
  if (runner.name === 'docker') continue;
  const found = runner.found.available ? mounts : runner.found;
  describeWith(runner.name, `a full disk on ${runner.name}`, found, () => {
    const ends: (() => void)[] = [];
    afterEach(() => {
      for (const end of ends.splice(0).reverse()) end();
    });

    function smallDisk(size: number): SmallDisk {
      const disk = new SmallDisk(size);
      ends.push(() => disk.dispose());
      return disk;
    }

    /** A place on a small disk, with its store on another. */
    function smallPlace(): RolloutPlace {
      return new RolloutPlace(runner, {
        directory: smallDisk(8).directory,
        backend: `sqlite:${join(smallDisk(8).directory, 'store.db')}`,
      });
    }

    it('filled for a while: the command sees it, and the rollout goes on', async () => {
      const place = smallPlace();
      const turns = [`${FILL}; rm big; sync`, 'echo still here > after.txt'];
      const task = place.task('fills', {
        agents: { solve: turns.map((cmd) => ({ cmd })) },
        verify: { cmd: 'grep -q here after.txt' },
      });
      expect(resultOf(await place.run('fills', { task }))).toMatchObject({ reward: 1, turns: 2 });
      expect(await place.leftovers()).toEqual([]);
    });

    it('filled and left full: commands and the verdict still come through, and everything goes', async () => {
      const place = smallPlace();
      const task = place.task('left-full', { agents: { solve: [{ cmd: FILL }, { cmd: 'echo there' }] } });
      const result = resultOf(await place.run('left-full', { task }));
      expect(result).toMatchObject({ reward: 1, outcome: 'ok', turns: 2 });
      expect(await place.leftovers()).toEqual([]);
    });

    it('the store is on it too: the run says what is wrong, and goes on once there is room', async () => {
      const disk = smallDisk(16);
      const place = new RolloutPlace(runner, { directory: disk.directory });
      const turns = [1, 2, 3, 4, 5].map((n) => ({
        cmd: `echo ${n} >> journal.log; echo turn ${n}; sleep ${n === 2 ? 1 : 0}`,
      }));
      const task = place.task('store', { agents: { solve: turns }, trace: 'journal.log' });
      const running = await place.start('store', { task });
      await running.saw(/│ turn 2/);
      disk.fill();
      const { code, stdout, stderr } = await running.ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/error: .*(full|no space)/i);
      expect(stderr).toMatch(/\n {2}→ .*\n$/);
      expect(stderr).not.toMatch(/this is a bug/);
      disk.free();
      const resumed = resultOf(await place.do('resume', 'store'));
      expect(resumed).toMatchObject({ reward: 1, outcome: 'ok', turns: 5, trace: ['1', '2', '3', '4', '5'] });
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
