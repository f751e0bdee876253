import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunnerBench, runnerConformance } from '../../src/conformance/index.ts';
import { describeWith } from '../helpers/components.ts';
import { runnersUnderTest } from '../helpers/runners.ts';
import { openPlace, type TestPlace } from './places.ts';

/** What depends on the shell that the supervisor runs in. Environments and isolation do not. */
const ALL = ['commands', 'journal', 'timeouts', 'output', 'files', 'slots', 'hostile'] as const;

/**
 * Shells that an image may have as /bin/sh, and how exactly the supervisor keeps time in them, milliseconds. The third one, busybox ash,
 * is what docker's test image has, and the local runner itself wherever there is a busybox. bash takes the same paths as that one.
 */
const SHELLS = [
  { name: 'dash', resolution: 100, topics: ALL },
  { name: 'bash', resolution: 10, topics: ['commands', 'timeouts', 'output', 'hostile'] as const },
];

const local = runnersUnderTest.find(({ name }) => name === 'local');
if (local === undefined) throw new Error('the local runner is missing');

for (const { name, resolution, topics } of SHELLS) {
  const found = spawnSync(name, ['-c', 'exit 0']);
  const detail = found.error === undefined ? name : `${name} cannot be started: ${found.error.message}`;
  describeWith(name, `the supervisor under ${name}`, { available: found.status === 0, detail }, () => {
    const path = process.env.PATH ?? '';
    const directory = mkdtempSync(join(tmpdir(), 'flatmachine-shell-'));
    let place: TestPlace;
    beforeAll(async () => {
      // The local runner takes the first busybox on the PATH: this one is another shell.
      const stand = join(directory, 'busybox');
      writeFileSync(stand, `#!/bin/sh\nshift\nexec ${name} "$@"\n`);
      chmodSync(stand, 0o755);
      process.env.PATH = `${directory}${delimiter}${path}`;
      place = await openPlace(local);
    });
    afterAll(async () => {
      const left = await place.dispose();
      process.env.PATH = path;
      rmSync(directory, { recursive: true, force: true });
      expect(left, 'nothing is left').toEqual([]);
    });

    it('is the shell that is meant', async () => {
      const bench = new RunnerBench(place);
      const environment = await bench.environment();
      expect(await environment.describe()).toMatchObject({ timer_resolution_ms: resolution });
      await bench.close();
    });

    it('gives each command its own return code, also when it ends just as the supervisor stops waiting for it', async () => {
      const bench = new RunnerBench(place);
      const slots = await Promise.all(Array.from({ length: 8 }, () => bench.slot()));
      const codes = await Promise.all(
        slots.map(async (slot) => {
          const own: (number | null)[] = [];
          for (let n = 0; n < 20; n++) own.push((await slot.exec('sleep 0.01; exit 5')).returncode);
          return own;
        }),
      );
      expect(new Set(codes.flat())).toEqual(new Set([5]));
      await bench.close();
    });

    for (const topic of topics) {
      describe(topic, () => {
        let bench: RunnerBench;
        beforeAll(() => {
          bench = new RunnerBench(place);
        });
        afterAll(() => bench.close());
        for (const { name: title, needs, run } of runnerConformance[topic] ?? []) {
          it(title, { timeout: 60_000 }, async ({ skip }) => {
            if (needs?.(place.runner.capabilities) === false) skip('the local runner does not offer it');
            await run(bench);
          });
        }
      });
    }
  });
}
