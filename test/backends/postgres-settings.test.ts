import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackendSet, ClaimedItem } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { emptyStoreUrl, serverAvailability, serverUrl } from '../helpers/servers/shared.ts';

describeWith('postgres', 'servers as they are found', serverAvailability('postgres'), () => {
  let admin: pg.Client;
  let schema = '';
  let url = '';
  let user = '';
  let asUser = '';
  const sets: BackendSet[] = [];

  async function open(address: string): Promise<BackendSet> {
    const set = await openBackends(address, { onWarning: () => {} });
    sets.push(set);
    return set;
  }

  beforeEach(async () => {
    url = emptyStoreUrl('postgres');
    schema = new URL(url).searchParams.get('schema') as string;
    user = `user_of_${schema}`;
    asUser = url.replace('postgres@', `${user}@`);
    admin = new pg.Client(serverUrl('postgres'));
    await admin.connect();
    await admin.query(`CREATE ROLE ${user} LOGIN; GRANT CREATE ON DATABASE postgres TO ${user}`);
  });

  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
    await admin.query(`DROP OWNED BY ${user} CASCADE; DROP ROLE ${user}`);
    await admin.end();
  });

  it('what a user is set to changes nothing', async () => {
    const odd = {
      default_transaction_isolation: 'serializable',
      datestyle: 'German',
      timezone: 'Asia/Kathmandu',
      array_nulls: 'off',
      standard_conforming_strings: 'off',
      lock_timeout: '1ms',
    };
    for (const [name, value] of Object.entries(odd))
      await admin.query(`ALTER ROLE ${user} SET ${name} TO '${value}'`);
    const [a, b] = (await Promise.all([open(asUser), open(`${asUser}&pool=6`)])) as [BackendSet, BackendSet];
    const either = (n: number) => (n % 2 ? a : b);

    const fence = await acquired(a, 'job');
    const since = Date.parse((await b.locking.holder('job'))?.acquired_at ?? '');
    expect(Math.abs(since - Date.now())).toBeLessThan(60_000);
    const snapshot = snapshotOf('job', 0, { context: { text: 'a\\b\'"' } });
    await a.persistence.save(stepKey('job', 0), snapshot, { fence });
    expect(await b.persistence.latest('job')).toEqual(snapshot);
    const [execution] = await b.persistence.executions();
    expect(execution).toMatchObject({ machine_file: null, parent_execution_id: null, error: null });

    await Promise.all(Array.from({ length: 100 }, (_, n) => either(n).signals.send(`c-${n % 3}`, n)));
    expect(await a.signals.queued()).toHaveLength(100);
    await a.work.pool('pool').pushMany(Array.from({ length: 100 }, (_, data) => ({ data })));
    const items = await Promise.all(
      Array.from({ length: 100 }, (_, n) => either(n).work.pool('pool').claim('w')),
    );
    expect(new Set(items.map((item) => item?.id)).size).toBe(100);
    expect(items.every((item) => item?.error === null && item.dedupe === null)).toBe(true);
  });

  it('who may not create uses what is there', async () => {
    await saveSteps(await open(url), 'job', 0, 0);
    await admin.query(`
      REVOKE CREATE ON DATABASE postgres FROM ${user};
      GRANT USAGE ON SCHEMA ${schema} TO ${user};
      GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${user};
      GRANT ALL ON ALL SEQUENCES IN SCHEMA ${schema} TO ${user}`);
    const set = await open(asUser);
    await saveSteps(set, 'job', 1, 1);
    await set.signals.send('c', 1);
    await set.work.pool('pool').push(1);
    await acquired(set, 'job');
  });

  it('who may only read is told so, soon', async () => {
    await admin.query(`ALTER ROLE ${user} SET default_transaction_read_only TO on`);
    const begun = performance.now();
    await expect(open(asUser)).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('25006'),
      remedy: expect.stringContaining('primary'),
    });
    expect(performance.now() - begun).toBeLessThan(12_000);
  });

  it('a database that cannot hold all text is refused', async () => {
    const name = `latin_${schema}`;
    await admin.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'`);
    try {
      await expect(open(url.replace('/postgres?', `/${name}?`))).rejects.toMatchObject({
        code: 'backend',
        message: expect.stringContaining('LATIN1'),
      });
    } finally {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it('claims are renewed while everything else waits', async () => {
    const set = await open(`${url}&pool=5`);
    const pool = set.work.pool('pool');
    await pool.push(1);
    const item = (await pool.claim('w')) as ClaimedItem;
    await saveSteps(set, 'job', 0, 0);
    await admin.query(`BEGIN; LOCK TABLE ${schema}.executions IN ACCESS EXCLUSIVE MODE`);
    const reads = Array.from({ length: 20 }, () => set.persistence.latest('job'));
    const renewed = await Promise.race([pool.renew([item]), sleep(3000, 'too late')]);
    await admin.query('ROLLBACK');
    await Promise.all(reads);
    expect(renewed).toEqual([true]);
  });

  it('statements that are cancelled are asked again', async () => {
    const set = await open(`${url}&application_name=${schema}`);
    await saveSteps(set, 'job', 0, 0);
    await admin.query(
      `BEGIN; LOCK TABLE ${schema}.steps, ${schema}.work_pools, ${schema}.leases IN ACCESS EXCLUSIVE MODE`,
    );
    const all = Promise.all([
      saveSteps(set, 'job', 1, 1),
      set.work.pool('pool').push(1),
      set.persistence.latest('job'),
      acquired(set, 'job'),
    ]);
    all.catch(() => {});
    // Within a transaction the first look would be the last.
    const waiting = async () => {
      await admin.query('SELECT pg_stat_clear_snapshot()');
      const sql = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
      return (await admin.query<{ pid: number }>(sql, [schema])).rows;
    };
    await expect.poll(async () => (await waiting()).length, { timeout: 5000 }).toBe(4);
    for (const { pid } of await waiting()) await admin.query('SELECT pg_cancel_backend($1)', [pid]);
    await sleep(100);
    await admin.query('ROLLBACK');
    await all;
  });

  it('a set that is closed while it begins to listen leaves no connection', async () => {
    for (let n = 0; n < 8; n++) {
      const set = await openBackends(`${url}&application_name=${schema}`);
      set.signals.watch(() => {});
      await sleep(2 * n);
      await set.close();
    }
    const connections = async () =>
      (await admin.query('SELECT query FROM pg_stat_activity WHERE application_name = $1', [schema])).rows;
    await expect.poll(connections).toEqual([]);
  });
});
