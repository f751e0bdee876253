import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackends } from '../../src/backends/open.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import type { JsonObject } from '../../src/types.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import { load, machineOf } from '../helpers/machine.ts';
import { END } from './helpers.ts';

let dir: string;
beforeEach(() => {
  dir = temporaryDirectory();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const three: JsonObject = {
  context: { n: 0 },
  states: {
    begin: { type: 'initial', output_to_context: { n: '{{ context.n + 1 }}' }, transitions: [{ to: 'go' }] },
    go: { output_to_context: { n: '{{ context.n + 1 }}' }, transitions: [{ to: 'end' }] },
    end: END,
  },
};

describe('persistence and resume', () => {
  it('case 60 (decided): one record per step, from step 0, with every field of the spec; the newest record needs no pointer', async () => {
    const machine = await load(three);
    await machine.execute({ i: 1 }, { id: 'job', parentId: 'root' });
    const { persistence } = machine.backends;
    expect(await persistence.list('job/')).toEqual([
      'job/step_000000',
      'job/step_000001',
      'job/step_000002',
      'job/step_000003',
    ]);
    const first = await persistence.load(stepKey('job', 0));
    expect(first).toMatchObject({
      execution_id: 'job',
      machine_name: 'test',
      spec_version: '1.0.0',
      current_state: 'begin',
      context: { n: 0 },
      step: 0,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'machine_start',
      total_api_calls: 0,
      total_cost: 0,
      parent_execution_id: 'root',
      status: 'running',
      next_state: 'begin',
      input: { i: 1 },
      config_hash: machine.machine.configHash,
    });
    expect(await persistence.latest('job')).toMatchObject({ step: 3, status: 'completed', output: { n: 2 } });
  });

  it('case 61 (decided): a step is always committed; without persistence nothing touches the disk', async () => {
    for (const persistence of [{ enabled: false }, { enabled: true, backend: 'memory' }]) {
      const machine = await FlatMachine.load(machineOf({ ...three, persistence }), { cwd: dir });
      expect((await machine.execute()).output).toEqual({ n: 2 });
      await machine.close();
      expect(readdirSync(dir)).toEqual([]);
    }
    const some = await load({ ...three, persistence: { checkpoint_on: ['machine_end'] } });
    await some.execute({}, { id: 'x' });
    expect(await some.backends.persistence.list('x/')).toHaveLength(4);
    const machine = await FlatMachine.load(machineOf(three), { cwd: dir });
    await machine.execute();
    await machine.close();
    expect(existsSync(join(dir, '.flatmachine', 'flatmachine.db'))).toBe(true);
  });

  it('case 62: a finished execution gives its result and runs nothing', async () => {
    let calls = 0;
    const data = { states: { a: { type: 'initial', action: 'x', transitions: [{ to: 'end' }] }, end: END } };
    const machine = await load(data, {
      onAction: () => ({ output: { n: ++calls }, context: { n: calls } }),
      onMachineEnd: (_context, output) => ({ ended: output }),
    });
    const first = await machine.execute({}, { id: 'f' });
    expect(await machine.resume('f')).toEqual(first);
    expect(first.output).toEqual({ ended: { n: 1 } });
    expect(calls).toBe(1);
  });

  it('case 66: a resume of the first record begins at the initial state, whatever its name', async () => {
    const machine = await load(three);
    await machine.execute({}, { id: 'whole' });
    const first = await machine.backends.persistence.load(stepKey('whole', 0));
    await machine.backends.persistence.save(stepKey('begun', 0), { ...first!, execution_id: 'begun' });
    expect(await machine.resume('begun')).toMatchObject({ status: 'completed', output: { n: 2 }, step: 3 });
  });

  it('case 67: a damaged newest record is passed over, with a warning; an unknown id is an error', async () => {
    const url = `sqlite:${join(dir, 'store.db')}`;
    const warnings: string[] = [];
    const backend = await openBackends(url, { onWarning: (message) => warnings.push(message) });
    const machine = await load(three, {}, { backend });
    await machine.execute({}, { id: 'x', maxSteps: 2 });
    const database = new Database(join(dir, 'store.db'));
    database.prepare('UPDATE steps SET body = substr(body, 1, 20) WHERE step = 2').run();
    database.close();
    expect(await machine.resume('x', { maxSteps: 9 })).toMatchObject({
      status: 'completed',
      output: { n: 2 },
    });
    expect(warnings.join()).toMatch(/step_000002 is damaged/);
    await expect(machine.resume('y')).rejects.toMatchObject({ code: 'execution-not-found' });
    await backend.close();
  });

  it('case 68: a writer whose lease was taken over can save nothing', async () => {
    const url = `sqlite:${join(dir, 'store.db')}`;
    const [old, young] = [await openBackends(url), await openBackends(url)];
    const machine = await load(three, {}, { backend: old });
    await machine.execute({}, { id: 'x', maxSteps: 1 });
    const last = (await old.persistence.latest('x'))!;
    expect(await old.locking.acquire('x')).toBe(true);
    const stale = old.locking.lease('x')!.token;
    await old.locking.release('x');
    expect(await young.locking.acquire('x')).toBe(true);
    const next = { ...last, step: last.step + 1 };
    const save = (token: number) =>
      old.persistence.save(stepKey('x', next.step), next, { fence: { key: 'x', token } });
    await expect(save(stale)).rejects.toMatchObject({ code: 'lease-lost' });
    await save(young.locking.lease('x')!.token);
    await expect(save(young.locking.lease('x')!.token)).rejects.toMatchObject({ code: 'step-conflict' });
    await Promise.all([old.close(), young.close()]);
  });

  it('case 70: what is not JSON is an error with its path', async () => {
    const data = { states: { a: { type: 'initial', action: 'x', transitions: [{ to: 'end' }] }, end: END } };
    const machine = await load(data, {
      onAction: (_action, context) => ({ ...context, deep: { when: new Date() } }) as never,
    });
    expect(await machine.execute()).toMatchObject({
      status: 'failed',
      error: { error_type: 'NotJsonError', message: expect.stringContaining('deep.when') },
    });
  });

  it('case 71: a thousand steps grow the store linearly, and `keep` bounds it', async () => {
    const looped = (keep: number | 'all') => ({
      context: { n: 0, text: 'x'.repeat(500) },
      settings: { max_steps: 2000 },
      persistence: { keep },
      states: {
        a: {
          type: 'initial',
          output_to_context: { n: '{{ context.n + 1 }}' },
          transitions: [{ condition: 'context.n == input.times', to: 'end' }, { to: 'a' }],
        },
        end: { type: 'final', output: { n: 'context.n' } },
      },
    });
    const bytes = async (times: number, keep: number | 'all') => {
      const file = join(dir, `${times}-${keep}.db`);
      const backend = await openBackends(`sqlite:${file}`, { durability: 'process-crash' });
      const machine = await load(looped(keep), {}, { backend });
      expect((await machine.execute({ times }, { id: 'x' })).output).toEqual({ n: times });
      const kept = (await backend.persistence.list('x/')).length;
      await backend.close();
      return { size: statSync(file).size, kept };
    };
    const [half, whole, bounded] = [await bytes(500, 'all'), await bytes(1000, 'all'), await bytes(1000, 10)];
    expect(whole.kept).toBe(1002);
    expect(whole.size).toBeLessThan(2.3 * half.size);
    expect(bounded.kept).toBeLessThanOrEqual(10);
    expect(bounded.size).toBeLessThan(whole.size / 4);
  });
});
