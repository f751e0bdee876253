import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { STATE_DIR } from '../../src/library/store-place.ts';
import { packageRoot } from '../../src/package-root.ts';
import { homeOf } from '../../src/rollout/identity.ts';
import type { CliResult } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { ROLLOUT, RolloutPlace, resultOf } from '../helpers/rollout-place.ts';
import { type RunnerUnderTest, runnersUnderTest } from '../helpers/runners.ts';

const ROLLOUTS = 20;
/** How many of them are under way at once. */
const PROCESSES = 8;
/** Environments there may be at once, and slots in each. */
const MAX = 2;
const SLOTS = 2;

/** What was seen of the pool while it was worked in. */
interface Sampled {
  samples: number;
  /** Environments that really existed, by the runner's own account. */
  environments: number;
  /** Slots in use at once. */
  taken: number;
  /** Times at which a trajectory was seen in two slots, or two in one. */
  shared: number;
}

/** Looks at the pool again and again until `over`. */
async function sample(
  place: RolloutPlace,
  runner: RunnerUnderTest,
  over: Promise<unknown>,
): Promise<Sampled> {
  const seen: Sampled = { samples: 0, environments: 0, taken: 0, shared: 0 };
  const stateDir = join(place.directory, STATE_DIR);
  const inside = await runner.open(stateDir);
  const home = homeOf(stateDir);
  const backends = await openBackends(place.store, {});
  let ended = false;
  void over.finally(() => {
    ended = true;
  });
  try {
    while (!ended) {
      const there = await inside.list({ home });
      const taken = (await backends.slots.slots()).flatMap(({ trajectory_id }) => trajectory_id ?? []);
      seen.samples++;
      seen.environments = Math.max(seen.environments, there.length);
      seen.taken = Math.max(seen.taken, taken.length);
      if (new Set(taken).size < taken.length) seen.shared++;
      await sleep(20);
    }
    return seen;
  } finally {
    await backends.close();
  }
}

for (const runner of runnersUnderTest) {
  describeWith(runner.name, `many rollouts at once on ${runner.name}`, runner.found, () => {
    let place: RolloutPlace;
    beforeAll(() => {
      place = new RolloutPlace(runner, { machine: 'rollout.yml' });
      const shipped = readFileSync(ROLLOUT, 'utf8');
      const small = shipped
        .replace('slots_per_environment: 1', `slots_per_environment: ${SLOTS}`)
        .replace(/max: 4/, `max: ${MAX}`);
      expect(small).toContain(`max: ${MAX}`);
      expect(small).toContain(`slots_per_environment: ${SLOTS}`);
      place.write('rollout.yml', small);
      cpSync(join(packageRoot(), 'machines', 'tasks'), join(place.directory, 'tasks'), { recursive: true });
    });
    afterAll(() => place.dispose());

    it(`${ROLLOUTS} rollouts of ${PROCESSES} processes share ${MAX * SLOTS} slots`, {
      timeout: 120_000,
    }, async () => {
      const waiting = Array.from({ length: ROLLOUTS }, (_, n) => `many-${n}`);
      const results: CliResult[] = [];
      const worker = async () => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
          results.push(await place.run(id, {}));
        }
      };
      const all = Promise.all(Array.from({ length: PROCESSES }, worker));
      const seen = await sample(place, runner, all);
      await all;
      const rewards = results.map((ended) => resultOf(ended).reward);
      expect(rewards).toEqual(Array.from({ length: ROLLOUTS }, () => 1));
      expect(seen.samples).toBeGreaterThan(20);
      expect(seen.shared).toBe(0);
      expect(seen.environments).toBe(MAX);
      expect(seen.taken).toBeGreaterThan(1);
      expect(seen.taken).toBeLessThanOrEqual(MAX * SLOTS);
      expect(results.some(({ stderr }) => stderr.includes('waiting for a slot'))).toBe(true);
      expect(await place.leftovers()).toEqual([]);
    });
  });
}
