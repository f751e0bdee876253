import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importSnapshot } from '../../src/compat/import-snapshot.ts';
import { readReferenceSnapshot } from '../../src/compat/read-snapshot.ts';
import { storeImported } from '../../src/compat/store-imported.ts';
import type { ExecutionResult } from '../../src/execution/setup.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import type { JsonObject } from '../../src/types.ts';
import { cli, directoryWith } from '../helpers/cli.ts';
import {
  type Checkpoint,
  type Writer,
  writeSnapshotDatabase,
  writeSnapshotDirectory,
} from '../helpers/reference-snapshots.ts';

/** Three states that each add their name to a file and to the context; the initial one is not called `start`. */
const MACHINE = `spec: flatmachine
spec_version: "SPEC"
data:
  name: counter
  context: { done: [], n: "{{ input.n }}" }
  persistence: { enabled: true, backend: local, checkpoint_on: [machine_start, execute, machine_end] }
  hooks: { file: ./hooks.mjs, class: Hooks }
  machines:
    helper: { spec: flatmachine, spec_version: "1.0.0", data: { states: { end: { type: final, output: { helped: input.x } } } } }
  states:
    one: { type: initial, action: add, transitions: [{ to: two }] }
    two:
      action: add
      transitions:
        - { condition: context.n > 100, to: never }
        - { condition: context.n > 1 and context.machine.step == 2, to: three }
        - { to: never }
    three: { action: add, transitions: [{ to: wait }] }
    wait:
      wait_for: "approval/{{ context.n }}"
      output_to_context: { approved: output.approved }
      transitions: [{ to: done }]
    never: { launch: helper, launch_input: { x: 1 }, transitions: [{ to: wrong }] }
    wrong: { type: final, output: { wrong: context.machine.step } }
    done: { type: final, output: { done: context.done, approved: context.approved, n: input.n } }
`;
const HOOKS = `import { appendFileSync } from 'node:fs';
export class Hooks {
  onAction(_action, context, call) {
    appendFileSync('effects.txt', call.state + '\\n');
    return { ...context, done: [...context.done, call.state] };
  }
}
`;

let dir: string;
beforeEach(() => {
  const at = (spec: string) => MACHINE.replace('SPEC', spec);
  dir = directoryWith({
    'm.yml': at('1.0.0'),
    'm4.yml': at('4.2.1'),
    'hooks.mjs': HOOKS.replace("'effects.txt'", 'process.env.EFFECTS'),
  });
  process.env.EFFECTS = join(dir, 'effects.txt');
});
afterEach(() => {
  delete process.env.EFFECTS;
  rmSync(dir, { recursive: true, force: true });
});

const effects = () =>
  existsSync(join(dir, 'effects.txt'))
    ? readFileSync(join(dir, 'effects.txt'), 'utf8').split('\n').filter(Boolean)
    : [];

/** Imports what these checkpoints say and resumes it. */
async function resume(points: readonly Checkpoint[], writer: Writer = 'python-1.0.0', from?: string) {
  const file = writer === 'python-4' ? 'm4.yml' : 'm.yml';
  const machine = await FlatMachine.load(join(dir, file), { backend: 'memory' });
  const place = join(dir, '.checkpoints');
  writeSnapshotDirectory(place, 'job', writer, points);
  const reference = await readReferenceSnapshot(place, 'job');
  const record = importSnapshot(reference, machine.machine, { now: 0, from });
  await storeImported(machine.backends, record);
  const result: ExecutionResult = await machine.resume('job');
  return { machine, record, result };
}

const start: Checkpoint = { event: 'machine_start', state: 'start', step: 0, context: { done: [], n: 5 } };
const context = (...done: string[]): JsonObject => ({ done, n: 5 });

describe('going on with an execution of the reference', () => {
  it.each(['python-1.0.0', 'python-4', 'javascript'] as const)(
    'machine_start: runs from the initial state, %s',
    async (writer) => {
      const { machine, result } = await resume([start], writer);
      expect(result).toMatchObject({ status: 'waiting', state: 'wait' });
      expect(effects()).toEqual(['one', 'two', 'three']);
      await machine.backends.signals.send('approval/5', { approved: true });
      expect(await machine.resume('job')).toMatchObject({
        status: 'completed',
        output: { done: ['one', 'two', 'three'], approved: true, n: 5 },
      });
    },
  );

  it('state_exit: the state does not run again; its transitions are evaluated on the stored context', async () => {
    const { record, result } = await resume([
      start,
      {
        event: 'state_exit',
        state: 'two',
        step: 2,
        context: context('one', 'two'),
        calls: 3,
        cost: 0.25,
        parent: 'root',
      },
    ]);
    expect(record).toMatchObject({ status: 'running', step: 2, work_step: 3, next_state: 'three' });
    expect(effects()).toEqual(['three']);
    expect(result).toMatchObject({ status: 'waiting', context: context('one', 'two', 'three') });
    expect(record).toMatchObject({ total_api_calls: 3, total_cost: 0.25, parent_execution_id: 'root' });
  });

  it.each(['state_enter', 'execute', 'tool_call', ''])(
    '%s: the state in hand runs again, under its own step number',
    async (event) => {
      const { record } = await resume(
        [start, { event, state: 'two', step: 2, context: context('one') }],
        event === '' ? 'javascript' : 'python-4',
      );
      expect(record).toMatchObject({ step: 1, work_step: 2, next_state: 'two' });
      expect(effects()).toEqual(['two', 'three']);
    },
  );

  it.each([
    ['waiting', 'python-4'],
    ['wait_for', 'javascript'],
  ] as const)('%s: waits on its channel', async (event, writer) => {
    const at = { state: 'wait', step: 4, context: context('one', 'two', 'three') };
    const { machine, record, result } = await resume(
      [start, { event: 'execute', ...at }, { event, ...at, channel: 'approval/5' }],
      writer,
    );
    expect(record).toMatchObject({ status: 'waiting', waiting_channel: 'approval/5', step: 3 });
    expect(result.status).toBe('waiting');
    expect(effects()).toEqual([]);
    expect(await machine.backends.signals.waits('approval/5')).toHaveLength(1);
    await machine.backends.signals.send('approval/5', { approved: 'yes' });
    expect(await machine.resume('job')).toMatchObject({ output: { approved: 'yes' } });
  });

  it('machine_end, and state_exit of a final state: completed with the stored output', async () => {
    const output = { done: ['everything'] };
    for (const point of [
      { event: 'machine_end', state: 'end', step: 5, output },
      { event: 'state_exit', state: 'done', step: 5, output },
    ]) {
      const { result } = await resume([start, point]);
      expect(result).toMatchObject({ status: 'completed', output, step: 5 });
      rmSync(join(dir, '.checkpoints'), { recursive: true });
    }
    expect(effects()).toEqual([]);
  });

  it('keeps launches that are still to be made, and makes no others again', async () => {
    const intent = (execution_id: string, machine: string, launched: boolean) => ({
      execution_id,
      machine,
      input: { x: 7 },
      launched,
    });
    const launches = [
      intent('made', 'helper', true),
      intent('open', 'helper', false),
      intent('other', 'nobody', false),
    ];
    const { machine, record } = await resume([
      { event: 'state_exit', state: 'three', step: 3, context: context(), launches },
    ]);
    expect(record.pending_launches).toEqual([intent('open', 'helper', false)]);
    await machine.settled();
    expect(await machine.backends.results.read('flatagents://open/result')).toEqual({ helped: 7 });
    expect(await machine.backends.persistence.latest('made')).toBeNull();
  });

  it('says what it cannot decide, and --from goes around it', async () => {
    const machine = await FlatMachine.load(join(dir, 'm.yml'), { backend: 'memory' });
    const place = join(dir, 's');
    const into = async (point: Checkpoint, from?: string) => {
      writeSnapshotDirectory(place, 'x', 'python-1.0.0', [point]);
      return importSnapshot(await readReferenceSnapshot(place, 'x'), machine.machine, { now: 0, from });
    };
    await expect(into({ event: 'execute', state: 'gone', step: 1 })).rejects.toMatchObject({
      code: 'unknown-state',
    });
    await expect(into({ event: 'execute', state: 'one', step: 1 }, 'gone')).rejects.toMatchObject({
      code: 'unknown-state',
    });
    const broken: Checkpoint = { event: 'state_exit', state: 'two', step: 2, context: { n: 'text' } };
    await expect(into(broken)).rejects.toMatchObject({ code: 'expression-error' });
    expect(await into(broken, 'three')).toMatchObject({ next_state: 'three', step: 2 });
  });

  it('drops the reference’s own `context.machine`, and stores nothing over what is there', async () => {
    const facts = { ...context(), machine: { step: 77 } };
    const { machine, record } = await resume(
      [{ event: 'execute', state: 'three', step: 3, context: facts }],
      'python-4',
    );
    expect(record.context).toEqual(context());
    await expect(storeImported(machine.backends, record)).rejects.toMatchObject({ code: 'execution-exists' });
  });
});

describe('flatmachine resume --snapshots', () => {
  const run = (...args: string[]) =>
    cli(['resume', ...args], { cwd: dir, env: { EFFECTS: join(dir, 'effects.txt') } });

  it('takes an execution over from a directory and from a SQLite file, and goes on with it like any other', async () => {
    const points: Checkpoint[] = [
      start,
      { event: 'state_exit', state: 'three', step: 3, context: context('one', 'two', 'three') },
    ];
    writeSnapshotDirectory(join(dir, '.checkpoints'), 'job', 'python-1.0.0', points);
    writeFileSync(join(dir, '.checkpoints', 'job', 'step_000009_execute.json'), '{"torn');
    const taken = await run('job', '--machine', 'm.yml', '--snapshots', '.checkpoints');
    expect({ code: taken.code, stdout: taken.stdout }).toEqual({ code: 4, stdout: '' });
    expect(taken.stderr).toMatch(
      /warning: snapshot job\/step_000009_execute\.json is passed over: it is torn/,
    );
    const again = await run('job', '--machine', 'm.yml', '--snapshots', '.checkpoints');
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/"job" is in .* already[\s\S]*→ .*without --snapshots/);
    expect((await run('job')).code).toBe(4);

    writeSnapshotDatabase(join(dir, 'ref.sqlite'), 'done', 'python-4', [
      start,
      { event: 'machine_end', state: 'end', step: 5, output: { done: ['all'] } },
    ]);
    const ended = await run('done', '--machine', 'm4.yml', '--snapshots', 'ref.sqlite');
    expect({ code: ended.code, stdout: JSON.parse(ended.stdout) }).toEqual({
      code: 0,
      stdout: { done: ['all'] },
    });
    expect(effects()).toEqual([]);
  });

  it('goes on with another state and a changed context, where that is asked for', async () => {
    writeSnapshotDirectory(join(dir, '.checkpoints'), 'job', 'python-1.0.0', [
      { event: 'state_exit', state: 'two', step: 2, context: { n: 'text' } },
    ]);
    const args = ['job', '--machine', 'm.yml', '--snapshots', '.checkpoints'];
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/m\.yml:\d+:\d+/);
    const { stdout } = await run(...args, '--from', 'done', '--set', 'done=[1]', '--set', 'approved=true');
    expect(JSON.parse(stdout)).toEqual({ done: [1], approved: true, n: 'text' });
    expect(effects()).toEqual([]);
  });

  it('tells what is wrong with its arguments', async () => {
    for (const [args, message] of [
      [['job', '--snapshots', '.checkpoints'], /--machine and --snapshots go together/],
      [['job', '--machine', 'm.yml'], /--machine and --snapshots go together/],
      [['job', '--machine', 'm.yml', '--snapshots', 'absent'], /there are no snapshots at absent/],
      [
        ['job', '--machine', 'm.yml', '--snapshots', '.'],
        /no snapshot of execution "job" that can be read is in \./,
      ],
      [['../job', '--machine', 'm.yml', '--snapshots', '.'], /cannot be an execution id/],
    ] as const) {
      const { code, stdout, stderr } = await run(...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toMatch(message);
    }
  });
});
