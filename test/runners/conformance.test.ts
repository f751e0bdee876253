import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunnerBench, runnerConformance } from '../../src/conformance/index.ts';
import { describeWith } from '../helpers/components.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { openPlace, type TestPlace } from './places.ts';

for (const under of runnersUnderTest) {
  describeWith(under.name, `${under.name} keeps the runner's contract`, under.found, () => {
    let place: TestPlace;
    beforeAll(async () => {
      place = await openPlace(under);
    });
    afterAll(async () => {
      expect(await place.dispose(), 'nothing is left').toEqual([]);
    });

    for (const [topic, cases] of Object.entries(runnerConformance)) {
      describe(topic, () => {
        let bench: RunnerBench;
        beforeAll(() => {
          bench = new RunnerBench(place);
        });
        afterAll(() => bench.close());
        for (const { name, needs, run } of cases) {
          it(name, { timeout: 60_000 }, async ({ skip }) => {
            if (needs?.(place.runner.capabilities) === false) skip(`${under.name} does not offer it`);
            await run(bench);
          });
        }
      });
    }
  });
}
