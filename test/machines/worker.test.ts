import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../src/types.ts';
import { onEveryStore, PoolPlace } from './pool-place.ts';

let place: PoolPlace;
afterEach(() => place.dispose());

const push = (...items: JsonObject[]) =>
  place.look((store) => store.work.pool('p').pushMany(items.map((data) => ({ data }))));
const items = () => place.look((store) => store.work.pool('p').items());
const input = JSON.stringify({ pool_id: 'p' });

onEveryStore('machines/worker.yml', (url) => {
  beforeEach(() => {
    place = new PoolPlace(url());
  });

  it('does all jobs of a pool, a child each, tries failed ones again, and deregisters', async () => {
    await push({ id: 'a' }, { id: 'b', fail: true }, { id: 'c' });
    const output = await place.run('worker.yml', { pool_id: 'p', worker_id: 'w1' }, '--id', 'run-1');
    expect(output).toEqual({ worker_id: 'w1', completed: 2, failed: 3, lost: 0 });
    expect(
      (await items()).map(({ status, attempts, result, error }) => [status, attempts, result, error]),
    ).toEqual([
      ['done', 1, { id: 'a', n: 3 }, null],
      ['poisoned', 3, null, 'told to fail'],
      ['done', 1, { id: 'c', n: 3 }, null],
    ]);
    const registered = await place.look((store) => store.registration.get('w1'));
    expect(registered).toMatchObject({
      status: 'terminated',
      pool_id: 'p',
      metadata: { execution_id: 'run-1' },
    });
  });

  it('killed -9 and resumed in time, goes on with its claim; its heartbeats and its claim go on while a job is long', async () => {
    await push({ id: 'a', ms: 700 });
    const { child, saw, ended } = await place.start('run', 'worker.yml', '--id', 'w', '--input', input);
    await saw(/w\.3\.0 .*→ two/);
    child.kill('SIGKILL');
    await ended;
    const resumed = await place.do('resume', 'w', '--quiet');
    expect({ ...resumed, stdout: JSON.parse(resumed.stdout) }).toMatchObject({
      code: 0,
      stderr: '',
      stdout: { worker_id: 'w', completed: 1, failed: 0, lost: 0 },
    });
    expect(await items()).toMatchObject([{ status: 'done', attempts: 1 }]);
  });

  it('stopped for longer than its lease, is refused when it completes, and leaves the job to whoever has it', async () => {
    await push({ id: 'a', ms: 600 });
    const { saw, ended } = await place.start('run', 'worker.yml', '--id', 'w', '--input', input);
    await saw(/w\.3\.0 .*→ two/);
    await place.look(async ({ work }) => {
      expect(await work.pool('p').releaseByWorker('w')).toBe(1);
      expect(await work.pool('p').claim('other', { lease: 60_000 })).toMatchObject({ attempts: 2 });
    });
    const { code, stdout, stderr } = await ended;
    expect({ code, output: JSON.parse(stdout) }).toEqual({
      code: 0,
      output: { worker_id: 'w', completed: 0, failed: 0, lost: 1 },
    });
    expect(stderr).toMatch(/warn: the claim of item \S+ of pool p is lost/);
    expect(stderr).toMatch(/LeaseLostError/);
    expect(await items()).toMatchObject([{ status: 'claimed', claimed_by: 'other', result: null }]);
  });
});
