import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { packageRoot } from '../../src/package-root.ts';
import { cli, startCli, temporaryDirectory } from '../helpers/cli.ts';

const machine = join(packageRoot(), 'test', 'fixtures', 'crash', 'many.yml');
const COUNT = 200;
const KILLS = 20;

describe('kill -9 of a parent with many children', () => {
  const directory = temporaryDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test(`${COUNT} children of three steps, killed ${KILLS} times in a row at random moments: the result and the effects of one quiet run`, {
    timeout: 240_000,
  }, async () => {
    const start = ['run', machine, '--id', 'root', '--input', JSON.stringify({ count: COUNT }), '--quiet'];
    const resume = ['resume', 'root', '--quiet'];
    let kills = 0;
    for (let first = true; kills < KILLS; first = false) {
      const running = await startCli(first ? start : resume, { cwd: directory });
      // Before its first commit there is nothing to resume.
      while (running.child.exitCode === null && !existsSync(join(directory, 'effects'))) await sleep(10);
      // Long enough to come into the run, short enough that it does not end before the last kill.
      await sleep(150 + Math.random() * 200);
      running.child.kill('SIGKILL');
      const { code, signal, stderr } = await running.ended;
      expect({ code, signal, stderr }, `it ended after ${kills} kills`).toMatchObject({ signal: 'SIGKILL' });
      kills++;
    }
    const last = await cli(resume, { cwd: directory, timeout: 120_000 });
    expect(last).toMatchObject({ code: 0 });
    const results = Array.from({ length: COUNT }, (_, n) => ({ n: n + 3 }));
    expect(JSON.parse(last.stdout)).toEqual({ results });

    const effects = readdirSync(join(directory, 'effects')).filter((name) => name !== 'calls');
    const perState = new Map<string, number>();
    for (const name of effects) {
      const [execution, state] = name.split(' ');
      const key = `${execution} ${state}`;
      perState.set(key, (perState.get(key) ?? 0) + 1);
    }
    expect(effects.length).toBe(COUNT * 3);
    expect(perState.size).toBe(COUNT * 3);

    const store = await openBackends(`sqlite:${join(directory, '.flatmachine', 'flatmachine.db')}`);
    const children = await store.persistence.executions({ parent: 'root' });
    expect(new Set(children.map((child) => child.execution_id)).size).toBe(COUNT);
    expect(children.every((child) => child.status === 'completed')).toBe(true);
    expect(await store.signals.waits()).toEqual([]);
    await store.close();
    // The kills hit something: work was done again under the same identity.
    const calls = readFileSync(join(directory, 'effects', 'calls'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(calls.length).toBeGreaterThan(COUNT * 3);
  });
});
