import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import { openBackends } from '../../src/backends/open.ts';
import { acquired, eventOf, keptSteps, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';

let directory = '';
let file = '';
const sets: BackendSet[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-storage-'));
  file = join(directory, 'store.db');
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(directory, { recursive: true });
});

async function open(options: BackendOptions = {}, path = file): Promise<BackendSet> {
  const set = await openBackends(`sqlite:${path}`, options);
  sets.push(set);
  return set;
}

/** Does something to the file that no API would. */
function tamper(sql: string, ...values: unknown[]): void {
  const db = new Database(file);
  db.prepare(sql).run(...values);
  db.close();
}

describe('a damaged record', () => {
  it('is skipped by latest, with a warning, and can be written again', async () => {
    const warnings: string[] = [];
    const set = await open({ onWarning: (message) => warnings.push(message) });
    await saveSteps(set, 'job', 0, 3);
    tamper(`UPDATE steps SET body = replace(body, '"step":3', '"step":4') WHERE step = 3`);
    tamper(`UPDATE steps SET body = substr(body, 1, 20) WHERE step = 2`);
    expect(await set.persistence.latest('job')).toEqual(snapshotOf('job', 1));
    expect(warnings.join('\n')).toMatch(/step_000003 is damaged[\s\S]*step_000002 is damaged/);
    expect(await keptSteps(set, 'job')).toEqual([0, 1]);
    await expect(set.persistence.load(stepKey('job', 3))).rejects.toMatchObject({ code: 'backend' });
    await saveSteps(set, 'job', 2, 3);
    expect(await keptSteps(set, 'job')).toEqual([0, 1, 2, 3]);
  });

  it('is one whose events or origin are damaged, too', async () => {
    const set = await open();
    await set.persistence.save(stepKey('job', 0), snapshotOf('job', 0));
    const events = [eventOf('job', 1)];
    await set.persistence.save(stepKey('job', 1), snapshotOf('job', 1), { events });
    const changed = snapshotOf('job', 2, { config_hash: 'changed' });
    await set.persistence.save(stepKey('job', 2), changed);
    tamper(`UPDATE origins SET body = replace(body, 'changed', 'chanced')`);
    tamper(`UPDATE steps SET events = replace(events, 'hello', 'hallo')`);
    expect((await set.persistence.latest('job'))?.step).toBe(0);
  });

  it('does not turn an execution into one that never was', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 1);
    tamper(`UPDATE steps SET checksum = 1`);
    await expect(set.persistence.latest('job')).rejects.toMatchObject({ code: 'backend' });
  });
});

describe('the file', () => {
  it('takes at most 1.5 times the state per step', async () => {
    const set = await open({ durability: 'process-crash' });
    const text = 'x'.repeat(1000);
    for (let step = 0; step < 2000; step++) {
      const snapshot = snapshotOf('job', step, { context: { text, step }, input: { big: 'y'.repeat(5000) } });
      await set.persistence.save(stepKey('job', step), snapshot, { keep: Number.POSITIVE_INFINITY });
    }
    await set.close();
    expect(statSync(file).size / 2000).toBeLessThan(1.5 * 1024);
  });

  it('does not grow once keep is reached', async () => {
    const set = await open({ durability: 'process-crash' });
    const size = () => statSync(file).size + statSync(`${file}-wal`).size;
    await saveSteps(set, 'job', 0, 5000, 10);
    const before = size();
    await saveSteps(set, 'job', 5001, 15_000, 10);
    expect(size()).toBeLessThanOrEqual(before * 1.5);
    expect(size()).toBeLessThan(10 * 1024 * 1024);
  });

  it('gives the latest of 10,000 steps in less than 0.2 ms', async () => {
    const set = await open({ durability: 'process-crash' });
    await Promise.all(
      Array.from({ length: 10_000 }, (_, step) =>
        set.persistence.save(stepKey('job', step), snapshotOf('job', step), {
          keep: Number.POSITIVE_INFINITY,
        }),
      ),
    );
    const times: number[] = [];
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      await set.persistence.latest('job');
      times.push(performance.now() - start);
    }
    expect(times.sort((a, b) => a - b)[100]).toBeLessThan(0.2);
  });

  it('of the first version is brought up to date, with all that it holds', async () => {
    const before = await open();
    await saveSteps(before, 'job', 0, 2);
    await before.close();
    const db = new Database(file);
    const later = [
      'awaited',
      'waits',
      'signals',
      'journal',
      'pools',
      'items',
      'large_data',
      'lease_boot',
      'workers',
    ];
    for (const table of later) db.exec(`DROP TABLE ${table}`);
    db.exec('DROP INDEX executions_by_parent');
    db.pragma('user_version = 1');
    db.close();
    const set = await open();
    expect((await set.persistence.latest('job'))?.step).toBe(2);
    expect(await set.persistence.executions({ parent: null })).toHaveLength(1);
    await set.journal.append('job', 3, 'a', { n: 1 }, null);
    expect([...(await set.journal.entries('job', 3))]).toEqual([['a', { n: 1 }]]);
    await set.signals.send('door', 1);
    expect(await set.signals.queued('door')).toMatchObject([{ data: 1 }]);
  });

  it('of a newer version is refused', async () => {
    await (await open()).close();
    tamper('CREATE TABLE later (x)');
    const db = new Database(file);
    db.pragma('user_version = 99');
    db.close();
    await expect(open()).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining('newer version'),
    });
  });

  it('takes listings from its index', async () => {
    await open();
    const db = new Database(file, { readonly: true });
    const plan = db
      .prepare(
        `EXPLAIN QUERY PLAN SELECT * FROM executions e WHERE e.status = 'x' AND e.updated_at < 'y' ORDER BY e.updated_at DESC`,
      )
      .all() as { detail: string }[];
    db.close();
    expect(plan.map((row) => row.detail).join()).toMatch(/USING INDEX executions_by_status/);
    expect(plan.map((row) => row.detail).join()).not.toMatch(/TEMP B-TREE/);
  });
});

describe('group commit', () => {
  it('stores what many executions write in one turn with few commits', async () => {
    const set = await open();
    const before = statSync(`${file}-wal`).size;
    await Promise.all(Array.from({ length: 200 }, (_, n) => saveSteps(set, `job-${n}`, 0, 0)));
    // 200 separate commits would write each of their pages, of 4 KB, anew.
    expect(statSync(`${file}-wal`).size - before).toBeLessThan(200 * 4096);
  });
});

describe('a lease', () => {
  it('whose holder’s process id is another process by now is free', async () => {
    const set = await open();
    await acquired(set, 'job');
    tamper(`UPDATE leases SET holder = json_set(holder, '$.started', '1')`);
    const other = await open();
    expect(await other.locking.acquire('job')).toBe(true);
  });

  it('of another boot is free, and one of another pid namespace runs its time', async () => {
    const set = await open();
    await acquired(set, 'a');
    await acquired(set, 'b');
    tamper(`UPDATE leases SET holder = json_set(holder, '$.boot', 'another') WHERE key = 'a'`);
    tamper(
      `UPDATE leases SET holder = json_set(holder, '$.pid_namespace', 'pid:[1]', '$.pid', 1) WHERE key = 'b'`,
    );
    const other = await open();
    expect(await other.locking.acquire('a')).toBe(true);
    expect(await other.locking.acquire('b')).toBe(false);
    tamper(`UPDATE leases SET expires = 0 WHERE key = 'b'`);
    expect(await other.locking.acquire('b')).toBe(true);
  });

  it('that ran out while the process slept is lost at the first look, even if nobody wants it', async () => {
    const set = await open({ heartbeatInterval: 0.05 });
    await acquired(set, 'job');
    const signal = set.locking.lease('job')?.signal as AbortSignal;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    expect(signal.aborted).toBe(false);
    expect(set.locking.lease('job')).toBe(null);
    expect(signal.reason).toMatchObject({ code: 'lease-lost' });
    expect(await set.locking.acquire('job')).toBe(true);
  });

  it('that another has taken over is lost at the next heartbeat', async () => {
    const set = await open({ heartbeatInterval: 0.05 });
    await acquired(set, 'job');
    const signal = set.locking.lease('job')?.signal as AbortSignal;
    tamper(`UPDATE leases SET holder = json_set(holder, '$.started', '1')`);
    const other = await open();
    await acquired(other, 'job');
    await expect.poll(() => signal.aborted, { timeout: 2000 }).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'lease-lost' });
    expect(set.locking.lease('job')).toBe(null);
  });
});

/** A file system of 1 MB, or why there is none. */
function mountSmall(): { path: string; unmount: () => void } | string {
  const path = join(mkdtempSync(join(tmpdir(), 'flatmachine-small-')), 'disk');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    return `cannot mount a tmpfs: ${(error as Error).message}`;
  }
  return { path, unmount: () => execFileSync('umount', [path]) };
}

it('a full disk fails the write, loses nothing, and is forgotten once there is room', async (context) => {
  const disk = mountSmall();
  if (typeof disk === 'string') return context.skip(disk);
  try {
    const ballast = join(disk.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(200_000));
    const set = await open({}, join(disk.path, 'store.db'));
    const fill = { text: 'x'.repeat(50_000) };
    let stored = 0;
    let failure: unknown = null;
    while (!failure && stored < 100) {
      const outcomes = await Promise.allSettled(
        [stored, stored + 1].map((step) =>
          set.persistence.save(stepKey('job', step), snapshotOf('job', step, { context: fill })),
        ),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') stored++;
        else failure ??= outcome.reason;
      }
    }
    expect(failure).toMatchObject({ code: 'backend', cause: expect.any(Error) });
    expect(await keptSteps(set, 'job')).toEqual(Array.from({ length: stored }, (_, step) => step));
    expect((await set.persistence.latest('job'))?.context).toEqual(fill);

    rmSync(ballast);
    await saveSteps(set, 'job', stored, stored + 1);
    await set.close();
    const again = await open({}, join(disk.path, 'store.db'));
    expect(await keptSteps(again, 'job')).toEqual(Array.from({ length: stored + 2 }, (_, step) => step));
    await again.close();
  } finally {
    disk.unmount();
  }
});
