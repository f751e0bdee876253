import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, cli, directoryWith } from '../helpers/cli.ts';

const GREET = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: greet
  context: { n: 0 }
  states:
    a:
      type: initial
      output_to_context: { n: "{{ context.n + 1 }}" }
      transitions:
        - { condition: context.n < input.times, to: a }
        - { condition: input.wait, to: wait }
        - { condition: input.fail, to: lost }
        - { to: end }
    wait: { wait_for: go, transitions: [{ to: end }] }
    lost: { output_to_context: { x: "{{ context.a.b.c }}" }, transitions: [{ to: end }] }
    end: { type: final, output: { n: context.n } }
`;

let cwd: string;
beforeAll(() => {
  cwd = directoryWith({ 'm.yml': GREET, 'bad.yml': GREET.replace('to: wait', 'to: nowhere') });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const at = (args: string[], options: Omit<CliOptions, 'cwd'> = {}) => cli(args, { cwd, ...options });
const out = ({ code, stdout }: { code: number | null; stdout: string }) => ({ code, stdout });
const nothing = { stdout: '' };

describe('command line', () => {
  it('case 85: stdout is the result and nothing else; each end has its exit code; resume, show and lint exist', async () => {
    const [run, limit, wait, fail, bad, notJson, absent] = await Promise.all([
      at(['run', 'm.yml', '--id', 'r', '--input', '{"times": 2}']),
      at(['run', 'm.yml', '--id', 'l', '--input', '{"times": 5}', '--max-steps', '3']),
      at(['run', 'm.yml', '--input', '{"times": 1, "wait": true}']),
      at(['run', 'm.yml', '--input', '{"times": 1, "fail": true}']),
      at(['lint', 'bad.yml']),
      at(['run', 'm.yml', '--input', '{']),
      at(['run', 'absent.yml']),
    ]);
    expect(out(run)).toEqual({ code: 0, stdout: '{\n  "n": 2\n}\n' });
    expect(out(limit)).toEqual({ ...nothing, code: 3 });
    expect(out(wait)).toEqual({ ...nothing, code: 4 });
    expect(out(fail)).toEqual({ ...nothing, code: 1 });
    expect(bad.code).not.toBe(0);
    expect(out(notJson)).toEqual({ ...nothing, code: 2 });
    expect(out(absent)).toEqual({ ...nothing, code: 2 });
    expect(out(await at(['resume', 'l', '--max-steps', '20']))).toEqual({
      code: 0,
      stdout: '{\n  "n": 5\n}\n',
    });
    expect(JSON.parse((await at(['show', 'l', '--json'])).stdout)).toMatchObject({ status: 'completed' });
  });

  it('the reference’s command form, long and short, in any order', async () => {
    const [long, short, joined] = await Promise.all([
      at([
        '--config',
        'm.yml',
        '--input',
        '{"times": 3}',
        '--execution-id',
        'f1',
        '--parent-id',
        'p1',
        '--max-steps',
        '50',
        '--verbose',
      ]),
      at(['-v', '-e', 'f2', '-i', '{"times": 3}', '-p', 'p2', '-c', 'm.yml']),
      at(['--execution-id=f3', '--config=m.yml', '--input={"times": 3}', '--max-steps=1']),
    ]);
    expect(out(long)).toEqual({ code: 0, stdout: '{\n  "n": 3\n}\n' });
    expect(out(short)).toEqual(out(long));
    expect(out(joined)).toEqual({ ...nothing, code: 3 });
    for (const [id, parent] of [
      ['f1', 'p1'],
      ['f2', 'p2'],
    ] as const) {
      expect(JSON.parse((await at(['show', id, '--json'])).stdout)).toMatchObject({
        parent_execution_id: parent,
      });
    }
  });

  it('the reference’s command form says what is wrong with it', async () => {
    const cases: [string[], RegExp][] = [
      [['--config', 'm.yml', '--input', '[1, 2]'], /--input is not a JSON map[\s\S]*→/],
      [['-c', 'm.yml', '-i', '"text"'], /--input is not a JSON map/],
      [['--config', 'm.yml', '--input', '{oops'], /--input is not JSON/],
      [['--config', 'absent.yml'], /absent\.yml/],
      [['--config'], /missing required argument/],
      [['--config', 'm.yml', '--config', 'bad.yml'], /too many arguments/],
      [['--config', 'm.yml', '--max-steps', 'x'], /max-steps/],
      [['--config', 'bad.yml'], /bad\.yml:\d+:\d+/],
      [['--confg', 'm.yml'], /unknown option/],
    ];
    const results = await Promise.all(cases.map(([args]) => at(args)));
    for (const [i, result] of results.entries()) {
      expect({ args: cases[i]?.[0], ...out(result) }).toEqual({ args: cases[i]?.[0], ...nothing, code: 2 });
      expect(result.stderr).toMatch(cases[i]?.[1] as RegExp);
    }
  });

  it('case 89 (decided): gc deletes by age, whole executions, and never a running, waiting or limited one', async () => {
    const elsewhere = directoryWith({ 'm.yml': GREET });
    const there = (...args: string[]) => cli(args, { cwd: elsewhere });
    await there('run', 'm.yml', '--id', 'done', '--input', '{"times": 1}');
    await there('run', 'm.yml', '--id', 'parked', '--input', '{"times": 1, "wait": true}');
    await there('run', 'm.yml', '--id', 'limited', '--input', '{"times": 5}', '--max-steps', '1');
    expect((await there('gc', '--older-than', '1h')).stdout).toBe('');
    expect((await there('gc', '--older-than', '0s')).stdout).toMatch(/^done {2}completed/);
    const left = JSON.parse((await there('ls', '--json')).stdout) as { execution_id: string }[];
    expect(left.map(({ execution_id: id }) => id).sort()).toEqual(['limited', 'parked']);
    expect((await there('history', 'done')).code).toBe(2);
    rmSync(elsewhere, { recursive: true });
  });
});
