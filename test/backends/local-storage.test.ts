import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendOptions, BackendSet } from '../../src/backends/interfaces.ts';
import {
  appendText,
  beforeNext,
  entryLine,
  newReading,
  openJournal,
  readOn,
} from '../../src/backends/local/journal-file.ts';
import { fileName, textOf } from '../../src/backends/local/names.ts';
import { openBackends } from '../../src/backends/open.ts';
import { HOSTILE_IDS, keptSteps, saveSteps, snapshotOf } from '../../src/conformance/backends/place.ts';
import { stepKey } from '../../src/machine/snapshot.ts';
import { describeWith } from '../helpers/components.ts';
import { SmallDisk, smallDiskAvailability } from '../helpers/small-disk.ts';

let base = '';
let root = '';
let warnings: string[] = [];
const sets: BackendSet[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'flatmachine-local-'));
  root = join(base, 'executions');
  warnings = [];
});

afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
  rmSync(base, { recursive: true });
});

async function open(options: BackendOptions = {}, directory = root): Promise<BackendSet> {
  const onWarning = (message: string) => warnings.push(message);
  const set = await openBackends(`local:${directory}`, {
    durability: 'process-crash',
    onWarning,
    ...options,
  });
  sets.push(set);
  return set;
}

const job = (...names: string[]) => join(root, 'job', ...names);
const step = (n: number) => job('steps', `step_${String(n).padStart(6, '0')}`);

function damage(path: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('"work"', '"wirk"'));
}

describe('names', () => {
  it('of ids are plain where they can be, and different on every file system', () => {
    expect(fileName('run-7f3a.12.0')).toBe('run-7f3a.12.0');
    expect(fileName('Job')).toBe('%4aob');
    const texts = [...HOSTILE_IDS, 'JOB-1', 'Job-1', '.', '..', '...', 'a.', '.a', 'A.', '%4aob', 'ß', 'ẞ'];
    const paths = ['a/b', '../../etc/passwd', '\ud800', '\udc00', '\ufffd', '', '~', 'con', 'a\u0000b'];
    const names = [...texts, ...paths].map(fileName);
    expect(new Set(names.map((name) => name.normalize('NFKC').toLowerCase())).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9_%~-]([a-z0-9_.%~-]*[a-z0-9_%~-])?$/);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(140);
    }
    for (const text of texts) expect([text, null]).toContain(textOf(fileName(text)));
    expect(['%zz', 'A', 'a.', '%61', '%ff'].map(textOf)).toEqual([null, null, null, null, null]);
  });

  it('of others in the directory are no executions', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 0);
    for (const name of ['lost+found', 'Job', '%zz'])
      mkdirSync(join(root, name, 'steps'), { recursive: true });
    renameSync(step(0), join(root, 'Job', 'steps', 'step_000000'));
    await saveSteps(set, 'job', 0, 0);
    expect(await set.persistence.list('')).toEqual([stepKey('job', 0)]);
    expect(await set.persistence.executions()).toHaveLength(1);
  });

  it('of a directory that is not given is .flatmachine/executions', async () => {
    const cwd = process.cwd();
    process.chdir(base);
    try {
      expect((await open({}, '')).url).toBe('local:.flatmachine/executions');
      expect(existsSync(join(base, '.flatmachine', 'executions'))).toBe(true);
    } finally {
      process.chdir(cwd);
    }
  });
});

describe('a damaged record', () => {
  it('is skipped by latest, with a warning, and can be written again, once', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 3);
    damage(step(3));
    truncateSync(step(2), 30);
    expect(await set.persistence.latest('job')).toEqual(snapshotOf('job', 1));
    expect(warnings.join('\n')).toMatch(/step_000003 is damaged[\s\S]*step_000002 is damaged/);
    expect(await keptSteps(set, 'job')).toEqual([0, 1]);
    await expect(set.persistence.load(stepKey('job', 3))).rejects.toMatchObject({ code: 'backend' });
    const other = await open();
    const writers = [set, other, set, other].map((one) => saveSteps(one, 'job', 2, 2));
    const outcomes = await Promise.allSettled(writers);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await saveSteps(set, 'job', 3, 4);
    expect(await keptSteps(other, 'job')).toEqual([0, 1, 2, 3, 4]);
    expect((await other.persistence.latest('job'))?.step).toBe(4);
    await set.persistence.delete(stepKey('job', 2));
    expect(readdirSync(job('steps')).filter((name) => name.includes('000002'))).toEqual([]);
  });

  it('does not turn an execution into one that never was', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 1);
    await saveSteps(set, 'whole', 0, 0);
    await saveSteps(set, 'x'.repeat(200), 0, 0);
    for (const n of [0, 1]) writeFileSync(step(n), '');
    await expect(set.persistence.latest('job')).rejects.toMatchObject({ code: 'backend' });
    for (const name of readdirSync(root).filter((one) => one.startsWith('x'))) {
      writeFileSync(join(root, name, 'head_000000'), '');
      writeFileSync(join(root, name, 'steps', 'step_000000'), '');
    }
    writeFileSync(job('head_000001'), '');
    const listed = await set.persistence.executions();
    expect(listed.map((one) => one.execution_id)).toEqual(['whole']);
    expect(warnings.join('\n')).toMatch(/job is not listed/);
    expect(warnings.join('\n')).toMatch(/whose it is cannot be read/);
  });

  it('is a record of another step or execution, too', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 1);
    writeFileSync(step(1), readFileSync(step(0)));
    expect((await set.persistence.latest('job'))?.step).toBe(0);
  });

  it('among results is an error, not a value', async () => {
    const set = await open();
    await set.results.write('flatagents://job/result', { work: 'work' });
    damage(job('result_result'));
    await expect(set.results.read('flatagents://job/result')).rejects.toMatchObject({ code: 'backend' });
    await set.results.write('flatagents://job/result', 2);
    expect(await set.results.read('flatagents://job/result')).toBe(2);
  });
});

describe('the head', () => {
  const head = (n: number) => job(`head_${String(n).padStart(6, '0')}`);

  it('is one small file, and says where the newest step is', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 4);
    expect(readdirSync(job()).sort()).toEqual(['head_000004', 'steps']);
  });

  it('may be behind, torn, doubled or missing', async () => {
    const set = await open();
    const done = snapshotOf('job', 3, { status: 'completed', next_state: null });
    await saveSteps(set, 'job', 0, 2);
    await set.persistence.save(stepKey('job', 3), done);
    const spoil: (() => void)[] = [
      () => renameSync(head(3), head(1)),
      () => writeFileSync(head(1), 'torn'),
      () => writeFileSync(head(3), ''),
      () => rmSync(head(1)),
      () => rmSync(head(3)),
    ];
    for (const act of spoil) {
      act();
      const other = await open();
      expect((await other.persistence.latest('job'))?.status).toBe('completed');
      const [summary] = await other.persistence.executions();
      expect(summary).toMatchObject({ execution_id: 'job', status: 'completed', step: 3 });
      expect(summary?.created_at).toBe(snapshotOf('job', 0).created_at);
    }
    expect(warnings).toEqual([]);
    const other = await open();
    await saveSteps(other, 'job', 4, 4);
    expect(readdirSync(job()).sort()).toEqual(['head_000004', 'steps']);
  });

  it('is not moved back by a late writer, though newer steps were pruned', async () => {
    const [late, set] = [await open(), await open()];
    await saveSteps(late, 'job', 0, 0);
    await saveSteps(set, 'job', 1, 9, 1);
    await saveSteps(late, 'job', 1, 1);
    expect((await set.persistence.latest('job'))?.step).toBe(9);
    expect((await late.persistence.executions())[0]?.step).toBe(9);
  });

  it('keeps latest flat from 10 to 10,000 steps', async () => {
    const set = await open();
    const time = async () => {
      const times: number[] = [];
      for (let i = 0; i < 200; i++) {
        const start = performance.now();
        await set.persistence.latest('job');
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[100] as number;
    };
    const keep = Number.POSITIVE_INFINITY;
    await saveSteps(set, 'job', 0, 9, keep);
    const few = await time();
    await saveSteps(set, 'job', 10, 9999, keep);
    const many = await time();
    expect(many).toBeLessThan(3 * few + 0.05);
  });
});

describe('a journal', () => {
  const file = () => job('journal_1');
  const keys = async (set: BackendSet) => [...(await set.journal.entries('job', 1)).keys()];

  it('whose last line is torn goes on after it', async () => {
    const set = await open();
    for (const key of ['a', 'b']) await set.journal.append('job', 1, key, key, null);
    truncateSync(file(), statSync(file()).size - 5);
    expect(await keys(set)).toEqual(['a']);
    expect(warnings.join()).toMatch(/journal_1 ends in a line that is not whole/);
    const other = await open();
    await other.journal.append('job', 1, 'b', 'again', null);
    await set.journal.append('job', 1, 'c', 'c', null);
    expect([...(await set.journal.entries('job', 1)).entries()]).toEqual([
      ['a', 'a'],
      ['b', 'again'],
      ['c', 'c'],
    ]);
    await expect(set.journal.append('job', 1, 'b', 'late', null)).rejects.toMatchObject({
      code: 'step-conflict',
    });
  });

  it('whose last line is whole and wrong, as after a loss of power, goes on after it', async () => {
    const set = await open();
    await set.journal.append('job', 1, 'a', 1, null);
    appendFileSync(file(), '\u0000\u0000\u0000 half\n');
    expect(await keys(set)).toEqual(['a']);
    await set.journal.append('job', 1, 'b', 2, null);
    expect(await keys(await open())).toEqual(['a', 'b']);
  });

  it('torn by a writer that died between the look and the write of another does not swallow its entry', async () => {
    const set = await open();
    await set.journal.append('job', 1, 'a', 1, null);
    const fd = openJournal(file(), true) as number;
    const reading = newReading();
    readOn(fd, reading);
    appendFileSync(file(), 'the first half of a');
    const text = entryLine(['b', 2, 'me']);
    appendText(fd, beforeNext(reading) + text);
    readOn(fd, reading);
    expect(reading.writers.has('b')).toBe(false);
    appendText(fd, beforeNext(reading) + text);
    readOn(fd, reading);
    closeSync(fd);
    expect(reading.writers.get('b')).toBe('me');
    expect(await keys(set)).toEqual(['a', 'b']);
  });

  it('is written to its end before the store is closed', async () => {
    const set = await open({ durability: 'power-loss' });
    const writes: Promise<void>[] = [];
    for (const key of ['a', 'b', 'c']) {
      writes.push(set.journal.append('job', 1, key, 1, null));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await set.close();
    await Promise.all(writes);
    expect(await keys(await open())).toEqual(['a', 'b', 'c']);
  });

  it('that is damaged before its end is an error: going on would repeat work', async () => {
    const set = await open();
    for (const key of ['a', 'b', 'c']) await set.journal.append('job', 1, key, 'work', null);
    damage(file());
    await expect(set.journal.entries('job', 1)).rejects.toMatchObject({ code: 'backend' });
    const other = await open();
    await expect(other.journal.append('job', 1, 'd', 1, null)).rejects.toMatchObject({ code: 'backend' });
  });

  it('that another set has ended and begun anew is read anew', async () => {
    const [a, b] = [await open(), await open()];
    await a.journal.append('job', 1, 'k', 'x'.repeat(50), null);
    await saveSteps(b, 'job', 0, 0);
    await b.persistence.save(stepKey('job', 1), snapshotOf('job', 1), {
      over: { work: 1, signal: 'consumed' },
    });
    await b.journal.append('job', 1, 'other', 'y'.repeat(100), null);
    await a.journal.append('job', 1, 'k', 2, null);
    expect(await keys(b)).toEqual(['other', 'k']);
  });
});

describe('a link planted in the store', () => {
  let outside = '';

  beforeEach(() => {
    outside = join(base, 'outside');
    mkdirSync(outside);
  });

  afterEach(() => {
    expect(readdirSync(outside)).toEqual(['kept']);
    expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('as it was');
  });

  it('leads no write out of it', async () => {
    writeFileSync(join(outside, 'kept'), 'as it was');
    const set = await open();
    await saveSteps(set, 'other', 0, 0);
    const refused = { code: 'backend', message: expect.stringContaining('symbolic link') };
    symlinkSync(outside, job());
    await expect(saveSteps(set, 'job', 0, 0)).rejects.toMatchObject(refused);
    await expect(set.results.write('flatagents://job/result', 1)).rejects.toMatchObject(refused);
    await expect(set.journal.append('job', 1, 'k', 1, null)).rejects.toMatchObject(refused);
    await set.persistence.deleteExecution('job');
    await saveSteps(set, 'job', 0, 0);
    rmSync(job('steps'), { recursive: true });
    symlinkSync(outside, job('steps'));
    await expect(saveSteps(set, 'job', 1, 1)).rejects.toMatchObject(refused);
    rmSync(job('steps'));
    mkdirSync(job('steps'));
    for (const name of ['journal_1', 'cancel', 'head_000002', 'result_result', 'steps/step_000002']) {
      symlinkSync(join(outside, 'kept'), job(name));
    }
    await expect(set.journal.append('job', 1, 'k', 1, null)).rejects.toMatchObject({ code: 'backend' });
    await saveSteps(set, 'job', 2, 2);
    await expect(set.persistence.requestCancel('job')).rejects.toMatchObject({ code: 'backend' });
    await set.results.write('flatagents://job/result', 1);
    expect(await set.results.read('flatagents://job/result')).toBe(1);
    expect((await set.persistence.latest('job'))?.step).toBe(2);
  });

  it('in place of what the store keeps for itself leads none out either', async () => {
    writeFileSync(join(outside, 'kept'), 'as it was');
    utimesSync(join(outside, 'kept'), 1, 1);
    const set = await open();
    for (const own of ['.tmp', '.leases', '.tokens', '.trash']) symlinkSync(outside, join(root, own));
    await expect(saveSteps(set, 'job', 0, 0)).rejects.toMatchObject({ code: 'backend' });
    await expect(set.locking.acquire('job')).rejects.toMatchObject({ code: 'backend' });
    await expect(set.persistence.deleteExecution('job')).rejects.toMatchObject({ code: 'backend' });
  });
});

describe('what cannot be written', () => {
  it('is refused where the directory is a file', async () => {
    writeFileSync(join(base, 'file'), '');
    await expect(open({}, join(base, 'file'))).rejects.toMatchObject({ code: 'backend' });
    await expect(open({}, join(base, 'file', 'below'))).rejects.toMatchObject({ code: 'backend' });
    await expect(open({}, '/proc/nothing/here')).rejects.toMatchObject({ code: 'backend' });
  });

  it('is refused when no file can be opened any more, and written when it can', async () => {
    const set = await open();
    await saveSteps(set, 'job', 0, 0);
    const limit = (n: string) =>
      execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${n}:`], { stdio: 'ignore' });
    const before = execFileSync('prlimit', [
      '--pid',
      String(process.pid),
      '--nofile',
      '-o',
      'SOFT',
      '--noheadings',
    ]);
    const files: number[] = [];
    limit(String(readdirSync('/proc/self/fd').length + 20));
    try {
      for (;;) files.push(openSync('/dev/null', 'r'));
    } catch (error) {
      expect((error as { code: string }).code).toBe('EMFILE');
    }
    const outcome = await saveSteps(set, 'job', 1, 1).catch((error: unknown) => error);
    for (const fd of files) closeSync(fd);
    limit(before.toString().trim());
    expect(outcome).toMatchObject({ code: 'backend', details: { errno: 'EMFILE' } });
    expect(await keptSteps(set, 'job')).toEqual([0]);
    await saveSteps(set, 'job', 1, 1);
  });
});

describeWith('small-disk', 'a disk', smallDiskAvailability(), () => {
  let disk: SmallDisk;

  beforeEach(() => {
    disk = new SmallDisk(1);
  });

  afterEach(() => disk.dispose());

  it('that is full fails the write, loses nothing, and is forgotten once there is room', async () => {
    const set = await open({ durability: 'power-loss' }, join(disk.directory, 'e'));
    const context = { text: 'x'.repeat(20_000) };
    const full = { code: 'backend', details: { errno: 'ENOSPC' } };
    await set.persistence.save(stepKey('job', 0), snapshotOf('job', 0, { context }));
    await set.journal.append('job', 1, 'a', 1, null);
    disk.fill();
    const later = snapshotOf('job', 1, { context });
    await expect(set.persistence.save(stepKey('job', 1), later)).rejects.toMatchObject(full);
    await expect(set.journal.append('job', 1, 'b', context, null)).rejects.toMatchObject(full);
    await expect(set.results.write('flatagents://job/result', context)).rejects.toMatchObject(full);
    expect(await keptSteps(set, 'job')).toEqual([0]);
    expect([...(await set.journal.entries('job', 1)).keys()]).toEqual(['a']);
    expect(await set.results.exists('flatagents://job/result')).toBe(false);
    disk.free();
    await set.persistence.save(stepKey('job', 1), later);
    await set.journal.append('job', 1, 'b', context, null);
    expect(await keptSteps(set, 'job')).toEqual([0, 1]);
    expect([...(await set.journal.entries('job', 1)).keys()]).toEqual(['a', 'b']);
    expect(readdirSync(join(disk.directory, 'e', '.tmp'))).toEqual([]);
    await set.close();
  });

  it('that is read-only is read', async () => {
    const directory = join(disk.directory, 'e');
    const before = await open({}, directory);
    await saveSteps(before, 'job', 0, 2);
    await before.results.write('flatagents://job/result', 1);
    await before.close();
    execFileSync('mount', ['-o', 'remount,ro', disk.directory]);
    const set = await open({}, directory);
    expect((await set.persistence.latest('job'))?.step).toBe(2);
    expect(await set.persistence.executions()).toHaveLength(1);
    expect(await set.results.read('flatagents://job/result', { block: true })).toBe(1);
    const late = set.results.read('flatagents://late/result', { block: true, timeout: 20 });
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    expect(warnings.join()).toMatch(/results of other processes are looked for every 5 s only/);
    const refused = {
      code: 'backend',
      details: { errno: 'EROFS' },
      remedy: expect.stringContaining('read-only'),
    };
    await expect(saveSteps(set, 'job', 3, 3)).rejects.toMatchObject(refused);
    await expect(set.locking.acquire('job')).rejects.toMatchObject(refused);
    await set.close();
  });
});

it('what dead processes have left is removed when its time has come', async () => {
  const set = await open();
  await saveSteps(set, 'job', 0, 0);
  writeFileSync(join(root, '.tmp', '1-dead-0'), 'half');
  mkdirSync(join(root, '.trash'));
  renameSync(job(), join(root, '.trash', '1-dead-1'));
  const left = () => [...readdirSync(join(root, '.tmp')), ...readdirSync(join(root, '.trash'))];
  await saveSteps(await open(), 'a', 0, 0);
  expect(left()).toEqual(['1-dead-0', '1-dead-1']);
  const later = await open();
  // The time of a file's last change cannot be set: the clock is moved instead.
  const { now } = Date;
  Date.now = () => now() + 3_700_000;
  try {
    await saveSteps(later, 'b', 0, 0);
  } finally {
    Date.now = now;
  }
  expect(left()).toEqual([]);
});
