import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import type { JsonObject } from '../../src/types.ts';
import type { CliResult } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { ROLLOUT, RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { emptyStoreUrl, serverAvailability } from '../helpers/servers/shared.ts';

const local = runnersUnderTest.find(({ name }) => name === 'local');
if (local === undefined) throw new Error('there is always a local runner');

/** Kills around the writes, which are what differs from store to store: everything else has its crash tests on SQLite. */
const KILLS = [
  'execution.started#1',
  'environment.intent-recorded#1',
  'environment.created#1',
  'slot.acquired#1',
  'step.before-commit#3',
  'step.after-commit#2',
  'step.after-commit#5',
  'command.sent#2',
  'command.finished#3',
  'slot.releasing#1',
  'environment.destroying#1',
  'execution.finished#1',
];

/** What must be equal on every store: everything but times and names that carry the execution's id. */
function essence(ended: CliResult): JsonObject {
  const { timings: _, snapshot, ...rest } = resultOf(ended);
  return { ...rest, frozen: snapshot !== null };
}

/** An agent that takes its time over its second command, and whose trace proves what ran. */
const SLOW: JsonObject = {
  verify: { cmd: 'test $(wc -l < journal.log) -eq 3' },
  trace: 'journal.log',
  agents: {
    solve: [
      { cmd: 'echo one >> journal.log' },
      { cmd: 'echo two >> journal.log; sleep 2.5' },
      { cmd: 'echo three >> journal.log' },
    ],
  },
};

for (const store of ['redis', 'postgres'] as const) {
  describeWith(store, `rollouts kept in ${store}`, serverAvailability(store), () => {
    const places: RolloutPlace[] = [];
    const place = (options: { machine?: string; backend?: string } = {}) => {
      const made = new RolloutPlace(local, { backend: emptyStoreUrl(store), ...options });
      places.push(made);
      return made;
    };
    let quiet: JsonObject;

    beforeAll(async () => {
      const onSqlite = new RolloutPlace(local);
      places.push(onSqlite);
      quiet = essence(await onSqlite.run('quiet', {}));
      expect(quiet).toMatchObject({ reward: 1, outcome: 'ok' });
    }, 60_000);
    afterAll(() => {
      for (const one of places) one.dispose();
    });

    it('end as they do in SQLite: --backend is the only difference', { timeout: 60_000 }, async () => {
      const there = place();
      expect(essence(await there.run('same', {}))).toEqual(quiet);
      expect(await there.leftovers()).toEqual([]);
      expect(JSON.parse((await there.do('show', 'same', '--json')).stdout)).toMatchObject({
        status: 'completed',
      });
      expect((await there.do('ls')).stdout).toMatch(/^same +rollout +completed/m);
      expect((await there.do('history', 'same')).stdout).toMatch(/completed/);
      expect((await there.do('logs', 'same')).code).toBe(0);
      expect((await there.do('gc', '--older-than', '0s')).stdout).toMatch(/^same +completed/m);
      expect((await there.do('ls', '--json')).stdout).toBe('[]\n');
    });

    it('end the same after a kill -9 and a resume', { timeout: 300_000 }, async () => {
      const there = place();
      for (const at of KILLS) {
        const id = `k-${at.replace(/[^a-z0-9]/g, '-')}`;
        const killed = await (
          await there.start(id, {}, { args: ['--quiet'], env: { FLATMACHINE_CRASH_AT: at } })
        ).ended;
        expect({ at, signal: killed.signal }).toEqual({ at, signal: 'SIGKILL' });
        // The process is seen to be dead: its lease need not run out.
        const resumed = await there.do('resume', id, '--quiet');
        expect({ at, ...essence(resumed) }).toEqual({ at, ...quiet });
      }
      expect(await there.leftovers()).toEqual([]);
    });

    it('are not touched by a holder that was stopped past its lease', { timeout: 60_000 }, async () => {
      const machine = readFileSync(ROLLOUT, 'utf8').replace(
        '  hooks:\n',
        '  settings: { heartbeat_interval: 0.3 }\n\n  hooks:\n',
      );
      const there = place({ machine: 'rollout.yml' });
      there.write('rollout.yml', machine);
      const stopped = await there.start('held', { task: there.task('slow', SLOW) });
      await stopped.saw(/echo two/);
      stopped.child.kill('SIGSTOP');
      await sleep(1000);
      expect(essence(await there.do('resume', 'held'))).toMatchObject({
        reward: 1,
        trace: ['one', 'two', 'three'],
      });
      stopped.child.kill('SIGCONT');
      const woken = await stopped.ended;
      expect(woken).toMatchObject({ code: 1, stdout: '' });
      expect(woken.stderr).toMatch(/lease|taken over/i);
      const backends = await openBackends(there.store);
      try {
        const history = await backends.persistence.history('held');
        const epochs = history.map(({ snapshot }) => snapshot.epoch);
        expect(history.map(({ snapshot }) => snapshot.step)).toEqual(history.map((_, step) => step));
        expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
        expect(new Set(epochs).size).toBe(2);
      } finally {
        await backends.close();
      }
      expect(await there.leftovers()).toEqual([]);
    });

    it('are not run by two at once', { timeout: 60_000 }, async () => {
      const there = place();
      const killed = await there.start('twice', { task: there.task('slow', SLOW) });
      await killed.saw(/echo two/);
      killed.child.kill('SIGKILL');
      await killed.ended;
      const both = await Promise.all([1, 2].map(() => there.do('resume', 'twice')));
      const [winner, loser] = both.sort((a, b) => Number(a.code) - Number(b.code));
      expect(winner).toMatchObject({ code: 0 });
      expect(loser).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/is being run by \d+@/),
      });
      expect(await there.leftovers()).toEqual([]);
    });
  });
}
