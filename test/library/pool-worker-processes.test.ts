import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import { ROLLOUT } from '../helpers/rollout-place.ts';
import { PoolPlace } from '../machines/pool-place.ts';

let place: PoolPlace;
beforeEach(() => {
  place = new PoolPlace();
});
afterEach(() => place.dispose());

const items = () => place.look((store) => store.work.pool('p').items());
const worker = (machine: string, ...args: string[]) =>
  place.start('worker', '--pool', 'p', '--machine', machine, '--lease', '1', ...args);

describe('a worker that is stopped for longer than its lease', () => {
  it('has lost the item: another one does it, once, and it stops what it was doing', async () => {
    await place.look((store) => store.work.pool('p').push({ id: 'a', ms: 700 }));
    const stopped = await worker('job.yml', '--id', 'stopped');
    await stopped.saw(/attempt 1/);
    stopped.child.kill('SIGSTOP');
    const other = await worker('job.yml', '--id', 'other', '--until-empty');
    await other.saw(/attempt 2/);
    stopped.child.kill('SIGCONT');
    expect(await other.ended).toMatchObject({ code: 0 });
    await stopped.saw(/the claim was lost/);
    stopped.child.kill('SIGTERM');
    expect(await stopped.ended).toMatchObject({ code: 0 });
    expect(stopped.output.stderr).not.toMatch(/ done$/m);
    expect(await items()).toMatchObject([
      { status: 'done', attempts: 2, claimed_by: 'other', result: { n: 3 } },
    ]);
    const steps = place.lines('did.txt');
    expect(new Set(steps).size).toBe(3);
    expect(steps.length).toBeLessThanOrEqual(4);
  });
});

describe('workers whose executions all wait for slots that dead ones hold', () => {
  it('make way for the items of the dead, whose slots then become free', async () => {
    const one = readFileSync(ROLLOUT, 'utf8').replace(/max: 4/, 'max: 1');
    writeFileSync(join(place.directory, 'rollout.yml'), one);
    cpSync(
      join(packageRoot(), 'machines', 'tasks', 'sales-report'),
      join(place.directory, 'tasks/sales-report'),
      {
        recursive: true,
      },
    );
    const task = (name: string, cmd: string) =>
      writeFileSync(
        join(place.directory, `${name}.yml`),
        JSON.stringify({
          name,
          tests: {},
          workspace: {},
          verify: { cmd: 'true' },
          agents: { solve: [{ cmd }] },
        }),
      );
    task('slow', 'sleep 3');
    task('quick', 'true');
    const push = (name: string) =>
      place.look((store) =>
        store.work.pool('p').push({ task: `${name}.yml` }, { priority: name === 'quick' ? 1 : 0 }),
      );
    await push('slow');
    const dead = await worker('rollout.yml', '--runner', 'local', '--json');
    await dead.saw(/slot_acquired/);
    await push('quick');
    const left = await worker('rollout.yml', '--runner', 'local', '--until-empty');
    await left.saw(/attempt 1/);
    dead.child.kill('SIGKILL');
    await left.saw(/makes way/);
    expect(JSON.parse((await left.ended).stdout)).toMatchObject({ done: 2, failed: 0 });
    expect((await items()).map(({ attempts, result }) => [attempts, result])).toMatchObject([
      [2, { reward: 1, outcome: 'ok' }],
      [1, { reward: 1, outcome: 'ok' }],
    ]);
  }, 40_000);
});
