import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createGroupCommit, type GroupCommit } from '../../src/backends/sqlite/group-commit.ts';
import { FlatMachineError } from '../../src/errors.ts';

let directory = '';
let connection: Database.Database;
let other: Database.Database;
let group: GroupCommit;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flatmachine-group-'));
  const file = join(directory, 'x.db');
  connection = new Database(file, { timeout: 1 });
  connection.pragma('journal_mode = WAL');
  connection.exec('CREATE TABLE t (n INTEGER CHECK (n < 100))');
  other = new Database(file, { timeout: 1 });
  group = createGroupCommit(connection);
});

afterEach(() => {
  connection.close();
  other.close();
  rmSync(directory, { recursive: true });
});

function put(n: number): Promise<number> {
  return group.run(() => {
    connection.prepare('INSERT INTO t VALUES (?)').run(n);
    return n;
  });
}

/** As another process sees it. */
function stored(): unknown[] {
  return other.prepare('SELECT n FROM t ORDER BY n').pluck().all();
}

it('resolves after the commit, for all of a turn at once', async () => {
  const writes = [1, 2, 3].map(put);
  await Promise.resolve();
  expect(stored()).toEqual([]);
  await writes[0];
  expect(stored()).toEqual([1, 2, 3]);
  expect(await Promise.all(writes)).toEqual([1, 2, 3]);
});

it('an error of the store in one member is that member’s alone', async () => {
  const outcomes = await Promise.allSettled([put(1), put(100), put(2), put(101), put(3)]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(outcomes[1]).toMatchObject({
    reason: { code: 'backend', details: { sqlite_code: 'SQLITE_CONSTRAINT_CHECK' } },
  });
  expect(stored()).toEqual([1, 2, 3]);
});

it('a refusal is handed on as it is', async () => {
  const refusal = new FlatMachineError('lease-lost', 'gone');
  const refused = group.run(() => {
    throw refusal;
  });
  const [first, second] = await Promise.allSettled([refused, put(1)]);
  expect(first).toEqual({ status: 'rejected', reason: refusal });
  expect(second.status).toBe('fulfilled');
});

it('waits for another process’s write without holding up the event loop', async () => {
  other.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
  const write = put(2);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 5);
  await new Promise((resolve) => setTimeout(resolve, 150));
  clearInterval(ticking);
  expect(ticks).toBeGreaterThan(5);
  other.exec('COMMIT');
  await Promise.all([write, put(3)]);
  expect(stored()).toEqual([1, 2, 3]);
  await group.idle();
});

it('a commit that fails fails everybody, and the next one works', async () => {
  connection.exec('CREATE TABLE child (of INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)');
  connection.exec('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
  const dangling = group.run(() => connection.prepare('INSERT INTO child VALUES (7)').run());
  const outcomes = await Promise.allSettled([put(1), dangling, put(2)]);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'backend' } });
  expect(stored()).toEqual([]);
  await put(3);
  expect(stored()).toEqual([3]);
});
