import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import type { FlatMachineError } from '../../src/errors.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { freePort } from '../helpers/servers/process.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';
import { startWorker, useWorkers } from './spawn-worker.ts';

const sets: BackendSet[] = [];

async function open(url: string, options: BackendOptions = {}): Promise<BackendSet> {
  const set = await openBackends(url, options);
  sets.push(set);
  return set;
}

/** Runs statements as the administrator. */
async function administer(...statements: string[]): Promise<pg.QueryResult> {
  const admin = new pg.Client(serverUrl('postgres'));
  await admin.connect();
  try {
    let result: pg.QueryResult | undefined;
    for (const statement of statements) result = await admin.query(statement);
    return result as pg.QueryResult;
  } finally {
    await admin.end();
  }
}

/** How opening a URL fails, and that it does so soon. */
async function refusal(url: string, options: BackendOptions = {}): Promise<FlatMachineError> {
  const begun = performance.now();
  const error = await openBackends(url, options).then(
    () => expect.fail('it was opened'),
    (reason: FlatMachineError) => reason,
  );
  expect(performance.now() - begun).toBeLessThan(12_000);
  expect(`${error.message} ${error.remedy} ${JSON.stringify(error.details)}`).not.toContain('hush');
  return error;
}

function schemaOf(url: string): string {
  return new URL(url).searchParams.get('schema') as string;
}

describeWith('postgres', 'postgres', serverAvailability('postgres'), () => {
  useWorkers();

  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
  });

  it('8 processes make the schema at once', async () => {
    const url = emptyStoreUrl('postgres');
    const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(url)));
    const refused = await Promise.all(workers.map((one) => one.call('worker', 'saveMany', 'job', 5)));
    expect(refused.reduce<number>((sum, n) => sum + Number(n), 0)).toBe(7 * 5);
  });

  it('a schema that a newer version has written is refused', async () => {
    const url = emptyStoreUrl('postgres');
    await (await openBackends(url)).close();
    await administer(`INSERT INTO "${schemaOf(url)}".migrations (version, name) VALUES (1000, 'later')`);
    expect((await refusal(url)).message).toContain('newer version');
  });

  it('any name can be a schema’s, quoted as it is', async () => {
    const name = `a "b" ;DROP ${Date.now()} ü`;
    const set = await open(`${serverUrl('postgres')}?schema=${encodeURIComponent(name)}`);
    await saveSteps(set, 'job', 0, 0);
    const { rowCount } = await administer(`SELECT 1 FROM pg_namespace WHERE nspname = '${name}'`);
    expect(rowCount).toBe(1);
    expect((await refusal(`${serverUrl('postgres')}?schema=${'x'.repeat(41)}`)).code).toBe('usage');
    expect((await refusal(`${serverUrl('postgres')}?schema=pg_x`)).code).toBe('usage');
  });

  it('what cannot be opened says why, soon and without secrets', async () => {
    const { host, port } = new URL(serverUrl('postgres'));
    const nobody = await freePort();
    expect(await refusal(`postgres://u:hush@127.0.0.1:${nobody}/db`)).toMatchObject({
      code: 'backend',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await refusal(`postgres://postgres:hush@${host}/nowhere`)).toMatchObject({
      message: expect.stringContaining('3D000'),
      remedy: expect.stringContaining('Create the database'),
    });
    expect((await refusal(`postgres://stranger:hush@${host}/postgres`)).message).toContain('28000');
    expect((await refusal('postgres://u:hu sh@[/postgres')).code).toBe('usage');
    expect((await refusal(`postgres://u:hush@127.0.0.1:${port}/postgres?pool=3`)).code).toBe('usage');
    expect((await refusal(`postgres://u:hush@127.0.0.1:${port}/postgres?poll=3`)).code).toBe('usage');
  });

  it('a user without the right to create is told which it lacks', async () => {
    const user = `reader_${process.pid}`;
    await administer(`CREATE ROLE ${user} LOGIN`);
    const url = emptyStoreUrl('postgres').replace('postgres@', `${user}@`);
    const error = await refusal(url);
    await administer(`DROP ROLE ${user}`);
    expect(error).toMatchObject({ code: 'backend', remedy: expect.stringContaining('Grant') });
    expect(error.message).toContain('42501');
  });

  it('durability is what the server gives, and less than what was asked for is refused', async () => {
    const warnings: string[] = [];
    const url = emptyStoreUrl('postgres');
    const [row] = (await administer('SHOW fsync')).rows as [{ fsync: string }];
    const full = row.fsync === 'on';
    const set = await open(url, { onWarning: (message) => warnings.push(message) });
    expect(set.durability).toBe(full ? 'power-loss' : 'process-crash');
    expect(warnings.some((message) => message.includes('fsync = off'))).toBe(!full);
    expect((await open(`${url}&durability=process-crash`)).durability).toBe('process-crash');
    if (!full) expect((await refusal(`${url}&durability=power-loss`)).message).toContain('fsync = off');
    expect((await refusal(`${url}&durability=none`)).code).toBe('usage');
  });

  it('the password is not in the URL that is shown', async () => {
    const set = await open(emptyStoreUrl('postgres').replace('postgres@', 'postgres:hush@'));
    expect(set.url).toContain('postgres:***@');
  });

  it('heartbeats go on while everything else waits, and nothing takes more connections than it may', async () => {
    const application = `pool-${process.pid}`;
    const url = `${emptyStoreUrl('postgres')}&pool=5&application_name=${application}`;
    const set = await open(url, { heartbeatInterval: 0.3 });
    const fence = await acquired(set, 'job');
    const signal = set.locking.lease('job')?.signal;
    await saveSteps(set, 'job', 0, 0);
    const blocker = new pg.Client(serverUrl('postgres'));
    await blocker.connect();
    await blocker.query(`BEGIN; LOCK TABLE "${schemaOf(url)}".executions IN ACCESS EXCLUSIVE MODE`);
    const reads = Array.from({ length: 20 }, () => set.persistence.latest('job'));
    await sleep(1000);
    expect(signal?.aborted).toBe(false);
    expect(
      (
        await blocker.query('SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1', [
          application,
        ])
      ).rows[0].n,
    ).toBeLessThanOrEqual(5);
    await blocker.query('ROLLBACK');
    await blocker.end();
    expect((await Promise.all(reads)).every((one) => one?.step === 0)).toBe(true);
    await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence });
  });

  it('the lease of a killed process of this host is free at once', async () => {
    const url = emptyStoreUrl('postgres');
    const worker = await startWorker(url);
    expect(await worker.call('locking', 'acquire', 'job')).toBe(true);
    const { token } = (await worker.call('worker', 'lease', 'job')) as { token: number };
    const set = await open(url);
    await set.signals.wait({ executionId: 'job', work: 1, for: { channel: 'c' }, deadline: 1, fence: null });
    expect(await set.locking.acquire('job')).toBe(false);
    expect(await set.signals.ready(2, 10)).toEqual([]);
    await worker.kill('SIGKILL');
    expect(await set.signals.ready(2, 10)).toHaveLength(1);
    expect(await set.signals.nextDeadline()).toBe(1);
    expect((await set.locking.holder('job'))?.expires_in).toBe(0);
    expect((await acquired(set, 'job')).token).toBeGreaterThan(token);
  });

  it('a process that was stopped for longer than its lease lost it, knows it, and cannot write', async () => {
    const url = emptyStoreUrl('postgres');
    const worker = await startWorker(url, { heartbeatInterval: 0.4 });
    await worker.call('locking', 'acquire', 'job');
    const fence = await worker.call('worker', 'lease', 'job');
    await worker.call('persistence', 'save', stepKey('job', 0), snapshotOf('job', 0), { fence });
    const lost = worker.call('worker', 'whenLost', 'job');
    await worker.call('locking', 'holder', 'job');
    const set = await open(url);
    await worker.kill('SIGSTOP');
    expect(await set.locking.acquire('job')).toBe(false);
    await sleep(900);
    const mine = await acquired(set, 'job');
    const late = worker.call('persistence', 'save', stepKey('job', 1), snapshotOf('job', 1), { fence });
    await worker.kill('SIGCONT');
    await expect(late).rejects.toThrow('lease-lost');
    expect(await lost).toBe('lease-lost');
    await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { fence: mine });
    await worker.call('locking', 'release', 'job');
    expect((await set.locking.holder('job'))?.token).toBe(mine.token);
  });

  it('damaged records are skipped, told, and can be written again; a damaged journal is an error', async () => {
    const warnings: string[] = [];
    const url = emptyStoreUrl('postgres');
    const schema = schemaOf(url);
    const set = await open(url, { onWarning: (message) => warnings.push(message) });
    await saveSteps(set, 'job', 0, 2);
    await set.journal.append('job', 1, 'k', 'value', null);
    await administer(
      `UPDATE "${schema}".steps SET body = replace(body, 'work', 'wark') WHERE step = 2`,
      `UPDATE "${schema}".journal SET value = '"valse"'`,
    );
    expect((await set.persistence.latest('job'))?.step).toBe(1);
    expect(await set.persistence.history('job')).toHaveLength(2);
    expect(warnings.filter((message) => message.includes('job/step_000002 is damaged'))).toHaveLength(2);
    await saveSteps(set, 'job', 2, 2);
    expect((await set.persistence.latest('job'))?.step).toBe(2);
    await expect(set.journal.entries('job', 1)).rejects.toMatchObject({ code: 'backend' });
  });

  it('what PostgreSQL cannot hold in a text is kept all the same', async () => {
    const set = await open(emptyStoreUrl('postgres'));
    const strange = { next_state: 'a\0b', machine_name: 'm\0', context: { '\0': '\0' } };
    const error = { error_type: 'E', code: 'c', message: 'x\0y', state: 's', step: 0, causes: [] };
    const snapshot = snapshotOf('job', 0, { ...strange, error });
    await set.persistence.save(stepKey('job', 0), snapshot);
    expect(await set.persistence.latest('job')).toEqual(snapshot);
    expect((await set.persistence.executions())[0]?.state).toBe('a\ufffdb');
    expect(await set.persistence.list('a\0')).toEqual([]);
    await set.persistence.requestCancel('a\0');
  });

  it('used-up signals do not stay for ever', async () => {
    const url = emptyStoreUrl('postgres');
    const set = await open(url);
    for (let n = 0; n < 5; n++) {
      await set.signals.send('c', n);
      await set.signals.wait({
        executionId: `job-${n}`,
        work: 1,
        for: { channel: 'c' },
        deadline: null,
        fence: null,
      });
      const over = { work: 1, signal: 'consumed' } as const;
      await set.persistence.save(stepKey(`job-${n}`, 0), snapshotOf(`job-${n}`, 0), { over });
    }
    const table = `"${schemaOf(url)}".signals`;
    await administer(`UPDATE ${table} SET used_at = used_at - interval '11 minutes'`);
    await set.signals.send('c', 'last');
    expect((await administer(`SELECT data FROM ${table}`)).rows).toEqual([{ data: '"last"' }]);
  });
});
