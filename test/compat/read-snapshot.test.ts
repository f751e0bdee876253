import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readReferenceSnapshot } from '../../src/compat/read-snapshot.ts';
import { temporaryDirectory } from '../helpers/cli.ts';
import {
  type Checkpoint,
  writeSnapshotDatabase,
  writeSnapshotDirectory,
} from '../helpers/reference-snapshots.ts';

let dir: string;
let warnings: string[];
const read = (id: string, path = dir) => readReferenceSnapshot(path, id, (message) => warnings.push(message));

beforeEach(() => {
  dir = temporaryDirectory();
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A run that has done `a` and stands in `b`. */
const RUN: Checkpoint[] = [
  { event: 'machine_start', state: 'start', step: 0, context: { n: 0 } },
  { event: 'state_enter', state: 'a', step: 1, context: { n: 0 } },
  { event: 'execute', state: 'a', step: 1, context: { n: 0 } },
  { event: 'state_exit', state: 'a', step: 1, context: { n: 1 }, calls: 2, cost: 0.5 },
  { event: 'state_enter', state: 'b', step: 2, context: { n: 1 }, calls: 2, cost: 0.5 },
];

describe('reading the reference’s snapshots', () => {
  it.each(['python-1.0.0', 'python-4', 'javascript'] as const)('takes the newest of %s', async (writer) => {
    writeSnapshotDirectory(dir, 'job-1', writer, RUN);
    writeSnapshotDirectory(dir, 'job-10', writer, [{ event: 'machine_end', state: 'end', step: 9 }]);
    expect(await read('job-1')).toMatchObject({
      execution_id: 'job-1',
      event: 'state_enter',
      current_state: 'b',
      step: 2,
      context: { n: 1 },
      total_api_calls: 2,
      total_cost: 0.5,
      pending_launches: [],
      waiting_channel: null,
    });
    expect(warnings).toEqual([]);
  });

  it.each(['python-4', 'javascript'] as const)('reads the SQLite file of %s', async (writer) => {
    const file = join(dir, 'flatmachines.sqlite');
    writeSnapshotDatabase(file, 'job-1', writer, RUN);
    writeSnapshotDatabase(file, 'job-10', writer, [{ event: 'machine_end', state: 'end', step: 9 }]);
    expect(await read('job-1', file)).toMatchObject({ event: 'state_enter', current_state: 'b', step: 2 });
    await expect(read('job-2', file)).rejects.toMatchObject({ code: 'execution-not-found' });
    writeFileSync(join(dir, 'other.db'), 'no database at all, but a text');
    await expect(read('job-1', join(dir, 'other.db'))).rejects.toMatchObject({ code: 'backend' });
  });

  it('keeps lineage, launches and channel, and drops what is malformed', async () => {
    const launches = [
      { execution_id: 'c1', machine: 'child', input: { x: 1 }, launched: true },
      { execution_id: 'c2', machine: 'child', launched: false },
      'nonsense',
      { machine: 'no id' },
    ];
    writeSnapshotDirectory(dir, 'p', 'python-4', [
      { event: 'waiting', state: 'w', step: 3, parent: 'root', launches, channel: 'approval/7' },
    ]);
    expect(await read('p')).toMatchObject({
      parent_execution_id: 'root',
      waiting_channel: 'approval/7',
      pending_launches: [
        { execution_id: 'c1', machine: 'child', input: { x: 1 }, launched: true },
        { execution_id: 'c2', machine: 'child', input: {}, launched: false },
      ],
    });
  });

  it('falls back to the previous good one where the newest is torn, and says so', async () => {
    writeSnapshotDirectory(dir, 't', 'python-1.0.0', RUN);
    writeFileSync(join(dir, 't', 'step_000002_state_enter.json'), '{"execution_id": "t", "cur');
    expect(await read('t')).toMatchObject({ event: 'state_exit', current_state: 'a', step: 1 });
    expect(warnings[0]).toMatch(/t\/step_000002_state_enter\.json is passed over: it is torn/);
    for (const { step, event } of RUN) {
      writeFileSync(join(dir, 't', `step_${String(step).padStart(6, '0')}_${event}.json`), '');
    }
    await expect(read('t')).rejects.toMatchObject({ code: 'execution-not-found' });
  });

  it('reads neither links nor pipes, and nothing that could not be stored', async () => {
    writeSnapshotDirectory(dir, 'h', 'python-1.0.0', RUN);
    const at = (name: string) => join(dir, 'h', name);
    renameSync(at('step_000002_state_enter.json'), join(dir, 'elsewhere.json'));
    symlinkSync(join(dir, 'elsewhere.json'), at('step_000002_state_enter.json'));
    rmSync(at('latest'));
    execFileSync('mkfifo', [at('step_000003_execute.json'), at('latest')]);
    const deep = `{"execution_id":"h","current_state":"b","step":4,"context":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`;
    writeFileSync(at('step_000004_execute.json'), deep);
    writeFileSync(at('step_000005_execute.json'), deep.replace(/\[.*\]/, '1e999'));
    expect(await read('h')).toMatchObject({ event: 'state_exit', step: 1 });
    expect(warnings.map((warning) => warning.length < 1000)).toEqual([true, true]);
  });

  it('needs no pointer, and orders the events of one step as they happen', async () => {
    writeSnapshotDirectory(dir, 'o', 'python-4', [
      ...RUN,
      { event: 'execute', state: 'b', step: 2, context: { n: 1 } },
      { event: 'tool_call', state: 'b', step: 2, context: { n: 1 } },
      { event: 'state_exit', state: 'b', step: 2, context: { n: 2 } },
    ]);
    rmSync(join(dir, 'o', 'latest'));
    expect(await read('o')).toMatchObject({ event: 'state_exit', context: { n: 2 } });
    rmSync(join(dir, 'o', 'step_000002_state_exit.json'));
    expect(await read('o')).toMatchObject({ event: 'tool_call' });
    expect(warnings).toEqual([]);
    writeFileSync(join(dir, 'o', 'latest'), 'o/step_0000');
    expect(await read('o')).toMatchObject({ event: 'tool_call' });
    expect(warnings).toHaveLength(1);
  });

  it('takes the later checkpoint where the process died before it moved the pointer', async () => {
    writeSnapshotDirectory(dir, 'd', 'python-1.0.0', RUN);
    writeFileSync(join(dir, 'd', 'latest'), 'd/step_000001_execute.json');
    expect(await read('d')).toMatchObject({ event: 'state_enter', current_state: 'b' });
  });

  it('is not misled by what an earlier, longer run under the same id has left', async () => {
    writeSnapshotDirectory(dir, 'again', 'python-1.0.0', [
      { event: 'state_exit', state: 'late', step: 40, at: 10 },
      { event: 'machine_end', state: 'end', step: 41, at: 11 },
      ...RUN.map((point, i) => ({ ...point, at: 100 + i })),
    ]);
    expect(await read('again')).toMatchObject({ current_state: 'b', step: 2 });
    rmSync(join(dir, 'again', 'latest'));
    expect(await read('again')).toMatchObject({ current_state: 'b', step: 2 });
  });

  it('refuses ids that lead elsewhere, places that are not there and records of others', async () => {
    mkdirSync(join(dir, 'inside'));
    writeSnapshotDirectory(dir, 'victim', 'python-1.0.0', RUN);
    for (const id of ['../victim', 'inside/../victim', '/etc', '..', '.', '', 'a\\b', 'a\0']) {
      await expect(read(id, join(dir, 'inside'))).rejects.toMatchObject({ code: 'invalid-id' });
    }
    await expect(read('x', join(dir, 'absent'))).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(read('nobody')).rejects.toMatchObject({ code: 'execution-not-found' });
    writeFileSync(join(dir, 'inside', 'latest'), '../victim/step_000002_state_enter.json');
    writeFileSync(
      join(dir, 'inside', 'step_000001_execute.json'),
      JSON.stringify({ execution_id: 'victim', current_state: 'a', context: {}, step: 1 }),
    );
    await expect(read('inside')).rejects.toMatchObject({ code: 'execution-not-found' });
    expect(warnings.join()).toContain('belongs to execution "victim"');
  });
});
