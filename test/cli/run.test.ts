import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, type CliOptions, cli, directoryWith } from '../helpers/cli.ts';
import { FILES } from './machines.ts';

let cwd: string;
const at = (args: string[], options: Omit<CliOptions, 'cwd'> = {}) => cli(args, { cwd, ...options });

beforeAll(() => {
  cwd = directoryWith(FILES);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('run', () => {
  it('prints the result on stdout and nothing else there', async () => {
    const { code, stdout, stderr } = await at([
      'run',
      'hello.yml',
      '--input',
      '{"name":"Ada"}',
      '--id',
      'h1',
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "message": "hello Ada"\n}\n' });
    expect(stderr).toContain('completed  h1');
    expect(existsSync(join(cwd, '.flatmachine', 'flatmachine.db'))).toBe(true);
  });

  it('keeps stdout clean of what hooks print', async () => {
    const input = '{"times":1,"action":"print"}';
    const { code, stdout, stderr } = await at(['run', 'worker.yml', '--input', input]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "visited": 1\n}\n' });
    expect(stderr).toContain('printed by a hook');
  });

  it('takes its input from a file and from stdin', async () => {
    writeFileSync(join(cwd, 'in.json'), '{"name":"file"}');
    expect((await at(['run', 'hello.yml', '--input', '@in.json'])).stdout).toContain('hello file');
    expect(
      (await at(['run', 'hello.yml', '--input', '-'], { stdin: '{"name":"ünïcode 日本"}' })).stdout,
    ).toContain('hello ünïcode 日本');
  });

  it('gives each status its exit code, and says how to go on', async () => {
    const failed = await at(['run', 'worker.yml', '--id', 'f1', '--input', '{"times":1,"action":"fail"}']);
    expect({ code: failed.code, stdout: failed.stdout }).toEqual({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(
      /error: TypeError in state work \(step 1\): it broke\n {2}caused by: the deeper reason\n {2}→ flatmachine resume f1\n$/,
    );
    const limit = await at(['run', 'worker.yml', '--id', 'l1', '--max-steps', '1', '--input', '{"times":3}']);
    expect({ code: limit.code, stdout: limit.stdout }).toEqual({ code: 3, stdout: '' });
    expect(limit.stderr).toMatch(/→ flatmachine resume l1\n$/);
    const resumed = await at(['resume', 'l1']);
    expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({
      code: 0,
      stdout: '{\n  "visited": 3\n}\n',
    });
  });

  it('tells what is wrong with its arguments and exits with 2', async () => {
    const cases: [string[], RegExp][] = [
      [['run'], /missing required argument/],
      [['rnu', 'hello.yml'], /unknown command 'rnu'[\s\S]*run/],
      [['run', 'hello.yml', '--nope'], /unknown option '--nope'/],
      [['run', 'hello.yml', '--input', '{oops'], /--input is not JSON: [\s\S]*→/],
      [['run', 'hello.yml', '--input', '[1]'], /--input is not a JSON map/],
      [['run', 'hello.yml', '--input', '@absent.json'], /cannot read the input file absent\.json/],
      [['run', 'hello.yml', '--max-steps', '0'], /max-steps/],
      [['run', 'hello.yml', '--id', '../x'], /\.\.\/x/],
      [['run', 'hello.yml', '--id', 'h1'], /there is an execution "h1" already/],
      [['run', 'hello.yml', '--runner', 'nope'], /there is no runner "nope"/],
      [['run', 'hello.yml', '--backend', 'nope:x'], /nope/],
      [['run', 'absent.yml'], /absent\.yml/],
      [['resume', 'absent'], /no execution "absent" .*flatmachine\.db/],
      [['resume', 'h1', '--set', 'a.b.c=1'], /--set a\.b\.c=1/],
      [['resume', 'h1', '--set', 'a={'], /--set a is not JSON/],
      [[], /Usage: flatmachine/],
    ];
    const results = await Promise.all(cases.map(([args]) => at(args)));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      expect({ args: cases[i]?.[0], code, stdout }).toEqual({ args: cases[i]?.[0], code: 2, stdout: '' });
      expect(stderr).toMatch(cases[i]?.[1] as RegExp);
    }
  });

  it('refuses an invalid machine with the place of each error', async () => {
    writeFileSync(join(cwd, 'bad.yml'), FILES['hello.yml'].replace('to: done', 'to: nowhere'));
    const { code, stdout, stderr } = await at(['run', 'bad.yml']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*[\s\S]*bad\.yml:8:\d+[\s\S]*→ .*lint/);
  });

  it('resumes with changed context, and refuses a drifted machine', async () => {
    const first = await at(['run', 'worker.yml', '--id', 's1', '--max-steps', '1', '--input', '{"times":9}']);
    expect(first.code).toBe(3);
    const set = await at(['resume', 's1', '--set', 'context.left=1', '--set', 'times="few"']);
    expect({ code: set.code, stdout: set.stdout }).toEqual({ code: 0, stdout: '{\n  "visited": "few"\n}\n' });
    writeFileSync(join(cwd, 'drift.yml'), FILES['worker.yml']);
    await at(['run', 'drift.yml', '--id', 'd1', '--max-steps', '1', '--input', '{"times":2}']);
    writeFileSync(join(cwd, 'drift.yml'), FILES['worker.yml'].replace('visited:', 'seen:'));
    const drifted = await at(['resume', 'd1']);
    expect(drifted.code).toBe(2);
    expect(drifted.stderr).toMatch(/has changed since[\s\S]*→ .*--allow-drift/);
    expect((await at(['resume', 'd1', '--allow-drift'])).stdout).toBe('{\n  "seen": 2\n}\n');
  });

  it('plans without running or storing anything', async () => {
    const elsewhere = directoryWith(FILES);
    const { code, stdout } = await cli(['run', 'worker.yml', '--dry-run', '--input', '{"times":4}'], {
      cwd: elsewhere,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      machine: 'worker',
      initial: 'work',
      context: { times: 4, left: 4 },
    });
    expect(existsSync(join(elsewhere, '.flatmachine'))).toBe(false);
    expect(existsSync(join(elsewhere, 'visits.txt'))).toBe(false);
    rmSync(elsewhere, { recursive: true });
  });

  it('understands the form of the reference implementation', async () => {
    const args = [
      '--config',
      'hello.yml',
      '--input',
      '{"name":"ref"}',
      '--execution-id',
      'r1',
      '--parent-id',
      'p1',
    ];
    const { code, stdout } = await at([...args, '--max-steps=50']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "message": "hello ref"\n}\n' });
    const shown = JSON.parse((await at(['show', 'r1', '--json'])).stdout);
    expect(shown).toMatchObject({ execution_id: 'r1', parent_execution_id: 'p1' });
  });

  it('prints one event per line with --json, errors included, and nothing with --quiet', async () => {
    const json = await at(['run', 'worker.yml', '--json', '--input', '{"times":1,"action":"print"}']);
    const events = json.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['execution_start', 'state_enter', 'command_output', 'notice', 'execution_end']),
    );
    expect(JSON.parse(json.stdout)).toEqual({ visited: 1 });
    const wrong = await at(['run', 'absent.yml', '--json']);
    expect(JSON.parse(wrong.stderr)).toMatchObject({ type: 'fatal', code: 'file-not-found' });
    expect((await at(['run', 'hello.yml', '--quiet'])).stderr).toBe('');
  });

  it('says that what nobody expected is a bug, with the stack, and leaves the execution resumable', async () => {
    const { code, stdout, stderr } = await at([
      'run',
      'worker.yml',
      '--id',
      'c1',
      '--input',
      '{"times":2,"action":"crash","ms":200}',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/this is a bug, [^\n]*: out of the blue[\s\S]*hooks\.mjs:\d+/);
    expect(JSON.parse((await at(['show', 'c1', '--json'])).stdout)).toMatchObject({
      status: 'running',
      holder: null,
    });
  });

  it('keeps nothing in memory and says so', async () => {
    const { code, stderr } = await at([
      'run',
      'worker.yml',
      '--backend',
      'memory',
      '--max-steps',
      '1',
      '--input',
      '{"times":2}',
    ]);
    expect(code).toBe(3);
    expect(stderr).toContain('cannot be resumed');
  });

  it('runs on when the reader of its output goes away', async () => {
    const command = `"${process.execPath}" "${CLI}" run worker.yml --json --id e1 --input '{"times":40,"action":"print"}' 2>&1 >/dev/null | head -n 1`;
    const shell = spawn('bash', ['-c', `set -o pipefail; ${command}; echo "code \${PIPESTATUS[0]}"`], {
      cwd,
    });
    let out = '';
    shell.stdout.on('data', (chunk) => {
      out += chunk;
    });
    await new Promise((resolve) => shell.on('close', resolve));
    expect(out).toMatch(/execution_start[^\n]*\ncode 0\n$/);
    expect(JSON.parse((await at(['show', 'e1', '--json'])).stdout).status).toBe('completed');
    expect(readFileSync(join(cwd, 'visits.txt'), 'utf8').match(/^e1\./gm)).toHaveLength(40);
    const toHead = spawn(
      'bash',
      ['-c', `"${process.execPath}" "${CLI}" history e1 | head -n 1; echo "code \${PIPESTATUS[0]}"`],
      { cwd },
    );
    let lines = '';
    toHead.stdout.on('data', (chunk) => {
      lines += chunk;
    });
    await new Promise((resolve) => toHead.on('close', resolve));
    expect(lines).toMatch(/^STEP[^\n]*\ncode 0\n$/);
  });
});
