import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../helpers/components.ts';
import { RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `agents that wreck their workspace on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    let outside: string;
    beforeAll(() => {
      place = new RolloutPlace(runner);
      outside = join(place.directory, 'outside');
      mkdirSync(outside);
    });
    afterAll(() => place.dispose());

    const wrecks: [string, string][] = [
      ['takes all permissions away', 'mkdir -p a/b; chmod 000 a/b a .'],
      ['removes it', 'rm -rf "$PWD"'],
      ['makes it a file', 'd="$PWD"; cd ..; rm -rf "$d"; echo wrecked > "$d"'],
      ['makes it a dangling link', 'd="$PWD"; cd ..; rm -rf "$d"; ln -s /absent "$d"'],
      [
        'goes a thousand directories deep',
        'for n in $(seq 1000); do mkdir d && cd d || exit 1; done; echo > f',
      ],
      ['makes 5,000 files', 'for n in $(seq 5000); do : > "f $n"; done'],
    ];

    it.each(wrecks)('%s: there is a result without a reward, and nothing is left', async (name, cmd) => {
      const task = place.task('wreck', {
        agents: { solve: [{ cmd }, { cmd: 'echo next' }] },
        tests: { 'run.sh': 'exit 1' },
        verify: { cmd: 'sh "$TESTS/run.sh"' },
      });
      const result = resultOf(await place.run(name.replace(/[^a-z0-9]/g, '-'), { task }));
      expect(result.reward).not.toBe(1);
      expect(result.outcome).toEqual(expect.any(String));
      expect(await place.leftovers()).toEqual([]);
    });

    it('is not made to delete what a link in the place of the workspace points to', async () => {
      place.write('outside/precious', 'kept');
      const task = place.task('link', {
        agents: { solve: [{ cmd: `d="$PWD"; cd ..; rm -rf "$d"; ln -s '${outside}' "$d"` }] },
      });
      resultOf(await place.run('link', { task }));
      expect(readdirSync(outside)).toContain('precious');
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
