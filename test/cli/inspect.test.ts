import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import { openRunner } from '../../src/runners/registry.ts';
import { cli, directoryWith, startCli, temporaryDirectory } from '../helpers/cli.ts';
import { FILES } from './machines.ts';

let cwd: string;
const at = (...args: string[]) => cli(args, { cwd });

beforeAll(async () => {
  cwd = directoryWith(FILES);
  await at('run', 'hello.yml', '--id', 'hello-1');
  await at('run', 'worker.yml', '--id', 'print-1', '--input', '{"times":2,"action":"print"}');
  await at('run', 'worker.yml', '--id', 'fail-1', '--input', '{"times":1,"action":"fail"}');
  await at('run', 'worker.yml', '--id', 'limit-1', '--max-steps', '1', '--input', '{"times":5}');
}, 60_000);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('ls', () => {
  it('lists executions, newest first', async () => {
    const { code, stdout } = await at('ls');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^EXECUTION\s+MACHINE\s+STATUS\s+STATE\s+STEP\s+UPDATED/);
    expect(lines.slice(1).map((line) => line.split(/\s+/)[0])).toEqual([
      'limit-1',
      'fail-1',
      'print-1',
      'hello-1',
    ]);
    expect(stdout).toMatch(/^fail-1 .*failed .*it broke$/m);
  });

  it('filters, limits and prints JSON', async () => {
    const failed = JSON.parse((await at('ls', '--status', 'failed,limit', '--json')).stdout);
    expect(failed.map(({ execution_id }: { execution_id: string }) => execution_id)).toEqual([
      'limit-1',
      'fail-1',
    ]);
    expect(JSON.parse((await at('ls', '--limit', '1', '--json')).stdout)).toHaveLength(1);
    expect((await at('ls', '--status', 'done')).stderr).toMatch(/no status "done"; there are: running/);
  });

  it('makes no store where there is none', async () => {
    const empty = temporaryDirectory();
    const { code, stdout, stderr } = await cli(['ls', '--json'], { cwd: empty });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[]\n' });
    expect(stderr).toContain(empty);
    expect((await cli(['show', 'x'], { cwd: empty })).stderr).toContain(empty);
    expect(existsSync(join(empty, '.flatmachine'))).toBe(false);
    rmSync(empty, { recursive: true });
  });
});

describe('show, history, logs', () => {
  it('shows where an execution stands', async () => {
    const { code, stdout } = await at('show', 'fail-1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^status +failed$/m);
    expect(stdout).toMatch(/^held by +nobody$/m);
    expect(stdout).toMatch(/^error +TypeError in work \(step 1\): it broke$/m);
    expect(stdout).toMatch(/^caused by +the deeper reason$/m);
    expect(JSON.parse((await at('show', 'hello-1', '--json')).stdout)).toMatchObject({
      status: 'completed',
      output: { message: 'hello world' },
    });
  });

  it('lists the steps', async () => {
    const { stdout } = await at('history', 'print-1');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^ +0 .*\(start\) +running +work$/);
    expect(lines[4]).toMatch(/^ +3 .*done +completed$/);
    const records = JSON.parse((await at('history', 'print-1', '--json')).stdout);
    expect(records.map(({ snapshot }: { snapshot: { step: number } }) => snapshot.step)).toEqual([
      0, 1, 2, 3,
    ]);
  });

  it('shows what ran, with nothing that a terminal acts upon', async () => {
    const { code, stdout } = await at('logs', 'print-1');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /1 work {2}\$ make test\n.*1 work {2}ok \(0\) after 12ms\n {4}│ one\n {4}│ two end\n/,
    );
    expect(stdout).toContain('info: logged by a hook');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    const events = (await at('logs', 'print-1', 'work', '--json')).stdout.trim().split('\n');
    expect(events.map((line) => JSON.parse(line).state)).toEqual(Array(events.length).fill('work'));
    expect((await at('logs', 'print-1', 'done')).stdout).toBe('');
    const unknown = await at('logs', 'print-1', 'nowhere');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/been in: work, done|been in: .*work/);
  });
});

/** Talks to a recorded agent, and then says that a tool ran a command for a model. */
const TALK = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: talk
  hooks: { file: ./tools.mjs, class: Tools }
  agents:
    writer:
      type: script
      config:
        answers:
          - { content: "one\\ntwo", usage: { input_tokens: 12, output_tokens: 3 }, cost: 0.002 }
  states:
    ask: { type: initial, agent: writer, transitions: [{ to: use }] }
    use: { action: use, transitions: [{ to: done }] }
    done: { type: final }
`;

const TOOLS = `export class Tools {
  onAction(_action, _context, call) {
    const tool = { type: 'tool_call', tool: 'bash', call_id: 'c1', is_error: false, duration_ms: 5 };
    const output = 'a\\nb\\n';
    call.emit({ type: 'command_start', exec_id: 'e1', command: 'ls', joined: false });
    call.emit({ type: 'command_end', exec_id: 'e1', outcome: 'ok', returncode: 0, duration_ms: 3, output, truncated: false });
    call.emit({ ...tool, arguments: { command: 'ls' }, result: 'a\\nb\\n[exit code 0]' });
    call.emit({ ...tool, tool: 'read_file', arguments: { path: 'a' }, result: 'what a holds' });
    return { output: null };
  }
}
`;

describe('the trajectory of an agent', () => {
  it('is shown turn by turn, each text once', async () => {
    const directory = directoryWith({ 'talk.yml': TALK, 'tools.mjs': TOOLS });
    expect((await cli(['run', 'talk.yml', '--id', 't'], { cwd: directory })).code).toBe(0);
    const { stdout } = await cli(['logs', 't'], { cwd: directory });
    expect(stdout.replace(/^\S+ /gm, '').replace(/\d+ms\)/g, 'Xms)')).toBe(
      [
        '   1 ask  writer call.0: answered (12 in, 3 out, cost 0.002, Xms)',
        '    │ one',
        '    │ two',
        '   2 use  $ ls',
        '   2 use  ok (0) after 3ms',
        '    │ a',
        '    │ b',
        '   2 use  bash {"command":"ls"} done (Xms)',
        '    │ [exit code 0]',
        '   2 use  read_file {"path":"a"} done (Xms)',
        '    │ what a holds',
        '',
      ].join('\n'),
    );
    expect((await cli(['history', 't'], { cwd: directory })).stdout).toMatch(/use .* 2 tool calls$/m);
    rmSync(directory, { recursive: true });
  });
});

describe('an execution with a parent that is not stored', () => {
  it('is listed with --all, and deleted by itself', async () => {
    const directory = directoryWith(FILES);
    const there = (...args: string[]) => cli(args, { cwd: directory });
    await there('run', 'hello.yml', '--id', 'child', '--parent-id', 'elsewhere');
    expect((await there('ls', '--json')).stdout).toBe('[]\n');
    expect((await there('ls', '--all')).stdout).toMatch(/^child +hello +completed/m);
    expect((await there('gc', '--older-than', '0s')).stderr).toBe('1 execution deleted\n');
    rmSync(directory, { recursive: true });
  });
});

describe('gc', () => {
  it('deletes what has ended and is old enough, and never what can go on', async () => {
    const running = await startCli(
      ['run', 'worker.yml', '--id', 'run-1', '--input', '{"times":1,"action":"hang"}'],
      { cwd },
    );
    await running.saw(/entered/);
    await sleep(1100);
    const young = await at('gc');
    expect(young).toMatchObject({ code: 0, stdout: '', stderr: '0 executions deleted\n' });
    const dry = await at('gc', '--older-than', '1s', '--dry-run');
    expect(dry.stderr).toBe('3 executions would be deleted\n');
    const { code, stdout, stderr } = await at('gc', '--older-than', '1s');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '3 executions deleted\n' });
    expect(
      stdout
        .split('\n')
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['', 'fail-1', 'hello-1', 'print-1']);
    const left = JSON.parse((await at('ls', '--json')).stdout) as { execution_id: string }[];
    expect(left.map(({ execution_id }) => execution_id).sort()).toEqual(['limit-1', 'run-1']);
    running.child.kill('SIGKILL');
    await running.ended;
    expect((await at('gc', '--older-than', '1s')).stderr).toBe('0 executions deleted\n');
    expect((await at('gc', '--older-than', '7')).code).toBe(2);
    expect((await at('resume', 'limit-1')).stdout).toBe('{\n  "visited": 5\n}\n');
  });
});

describe('gc and snapshots', () => {
  it('removes them with their execution, and nothing that only claims to be one', async () => {
    const directory = directoryWith({ 'precious.txt': 'not a snapshot' });
    const rollout = join(packageRoot(), 'machines', 'rollout.yml');
    const { stdout } = await cli(['run', rollout, '--runner', 'local', '--id', 'frozen'], { cwd: directory });
    const { snapshot } = JSON.parse(stdout) as { snapshot: string };
    expect(existsSync(snapshot)).toBe(true);
    const { code, stderr } = await cli(['gc', '--older-than', '0s'], { cwd: directory });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '1 execution deleted\n' });
    expect(existsSync(snapshot)).toBe(false);
    const runner = await openRunner('local', { stateDir: join(directory, '.flatmachine') });
    const claimed = {
      reference: join(directory, 'precious.txt'),
      level: 'workspace',
      runner: 'local',
    } as const;
    await expect(runner.removeSnapshot(claimed)).rejects.toMatchObject({ code: 'unsafe-path' });
    expect(existsSync(claimed.reference)).toBe(true);
  });
});

describe('gc --reap and cancel', () => {
  const rollout = join(packageRoot(), 'machines', 'rollout.yml');
  const killed = (id: string) =>
    cli(['run', rollout, '--runner', 'local', '--id', id, '--quiet'], {
      cwd,
      env: { FLATMACHINE_CRASH_AT: 'command.sent' },
    });
  const environments = () => readdirSync(join(cwd, '.flatmachine', 'local'));

  it('removes what a dead rollout left once its grace is over, and not before', async () => {
    expect((await killed('dead-1')).signal).toBe('SIGKILL');
    expect(environments()).not.toEqual([]);
    expect(await at('gc', '--reap')).toMatchObject({ code: 0, stdout: '' });
    const dry = await at('gc', '--reap', '--grace', '0', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringMatching(/[1-9]\d* .*would be removed/) });
    expect(environments()).not.toEqual([]);
    const { code, stdout } = await at('gc', '--reap', '--grace', '0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^slot .* local of dead-1: /m);
    expect(environments()).toEqual([]);
    expect(JSON.parse((await at('show', 'dead-1', '--json')).stdout).status).toBe('running');
  });

  it('cancels a dead rollout and gives back its slot', async () => {
    expect((await killed('dead-2')).signal).toBe('SIGKILL');
    expect(await at('cancel', 'dead-2')).toMatchObject({ code: 0, stderr: 'cancelled  dead-2\n' });
    expect(environments()).toEqual([]);
  });
});
