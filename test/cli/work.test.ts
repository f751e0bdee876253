import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, directoryWith } from '../helpers/cli.ts';

let cwd: string;
const at = (...args: string[]) => cli(args, { cwd });
const json = async (...args: string[]) => JSON.parse((await at(...args)).stdout);

const OK = `spec: flatmachine
spec_version: "1.0.0"
data:
  name: ok
  states:
    a: { type: initial, transitions: [{ condition: input.fail, to: b }, { to: end }] }
    b: { action: nobody, transitions: [{ to: end }] }
    end: { type: final, output: { got: input } }
`;

beforeEach(() => {
  cwd = directoryWith({
    'ok.yml': OK.replace('action: nobody, ', '')
      .replace('b: {', 'b: { machine: no, ')
      .replace('  states:', '  machines: { no: ./no.yml }\n  states:'),
    'no.yml':
      'spec: flatmachine\nspec_version: "1.0.0"\ndata: { name: no, states: { a: { type: initial, transitions: [{ condition: input.x == 1, to: e }] }, e: { type: final } } }\n',
  });
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe('work', () => {
  it('pushes, lists, shows and requeues; a worker does what there is', async () => {
    const { code, stdout, stderr } = await at(
      'work',
      'push',
      'p',
      '{"n":1}',
      '--priority',
      '-1',
      '--max-retries',
      '5',
    );
    const [one] = JSON.parse(stdout).ids as [string];
    expect({ code, stdout: JSON.parse(stdout), stderr }).toEqual({
      code: 0,
      stdout: { pool: 'p', ids: [one] },
      stderr: '1 item pushed into p\n',
    });
    expect((await json('work', 'push', 'p', '"again"', '--dedupe-key', 'k')).ids).toEqual(
      (await json('work', 'push', 'p', '"again"', '--dedupe-key', 'k')).ids,
    );
    writeFileSync(join(cwd, 'items.jsonl'), '{"id":"x","fail":true}\n\n7\n');
    expect(
      (await json('work', 'push', 'p', '@items.jsonl', '--jsonl', '--max-retries', '1')).ids,
    ).toHaveLength(2);
    await cli(['work', 'push', 'q', '-', '--delay', '3600'], { cwd, stdin: '[1]' });
    expect((await at('work', 'ls')).stdout).toMatch(
      /^POOL +PENDING +DELAYED +CLAIMED +DONE +POISONED\np +4 +0 +0 +0 +0\nq +0 +1 +0 +0 +0\n$/,
    );
    const worker = await at(
      'worker',
      '--pool',
      'p',
      '--machine',
      'ok.yml',
      '--until-empty',
      '--concurrency',
      '2',
    );
    expect({ code: worker.code, counts: JSON.parse(worker.stdout) }).toEqual({
      code: 1,
      counts: { done: 3, failed: 1, poisoned: 1, given_back: 0, lost: 0 },
    });
    expect(worker.stderr).toMatch(/p\.\d+ {2}failed: NoTransitionError: .*given up/);
    const listed = (await at('work', 'ls', 'p')).stdout.split('\n');
    expect(listed[1]).toMatch(new RegExp(`^${one} +done +1/5 +p\\.${one} .*\\{"n":1\\}`));
    expect(listed[3]).toMatch(/poisoned +1\/1 .* x +NoTransitionError/);
    expect(await json('work', 'show', 'p', one)).toMatchObject({
      status: 'done',
      result: { got: { n: 1 } },
      execution_id: `p.${one}`,
    });
    const [poisoned] = await json('work', 'ls', 'p', '--status', 'poisoned', '--json');
    expect(poisoned).toMatchObject({ data: { id: 'x' }, attempts: 1 });
    expect(await json('work', 'requeue', 'p', poisoned.id)).toEqual({ pool: 'p', requeued: 1 });
    expect(await json('work', 'requeue', 'p')).toEqual({ pool: 'p', requeued: 0 });
    expect((await at('work', 'ls', 'p', '--limit', '1')).stderr).toMatch(/the first 1; there are more/);
  });

  it('says what is wrong, and makes no store for a question', async () => {
    const cases: [string[], RegExp][] = [
      [['work'], /missing required argument/],
      [['work', 'frob'], /there is no `work frob`/],
      [['work', 'push', 'p'], /needs more than 1 argument/],
      [['work', 'push', 'p', '{'], /the item is not JSON/],
      [['work', 'push', 'p', '1', '2'], /takes no "2"/],
      [['work', 'push', 'p/q', '1'], /cannot be the name of a pool/],
      [['work', 'push', 'p', '1\nx', '--jsonl'], /line 2: this is not JSON/],
      [['work', 'push', 'p', '1', '--jsonl', '--dedupe-key', 'k'], /--dedupe-key names one item/],
      [['work', 'ls', '--priority', '1'], /`work ls` has no option --priority/],
      [['worker', '--pool', 'p'], /--pool and --machine go together/],
      [['worker', '--pool', 'p', '--machine', 'none.yml'], /none\.yml/],
    ];
    await Promise.all(
      cases.map(async ([args, message]) =>
        expect({ args, ...(await at(...args)) }).toEqual({
          args,
          code: 2,
          signal: null,
          stdout: '',
          stderr: expect.stringMatching(message),
        }),
      ),
    );
    const empty = directoryWith({});
    expect(await cli(['work', 'ls', '--json'], { cwd: empty })).toMatchObject({ code: 0, stdout: '[]\n' });
    expect((await cli(['work', 'show', 'p', '1'], { cwd: empty })).code).toBe(2);
    expect(existsSync(join(empty, '.flatmachine'))).toBe(false);
    rmSync(empty, { recursive: true });
    await at('work', 'push', 'p', '1');
    for (const args of [
      ['show', 'p', '000000000099'],
      ['ls', 'p', '--status', 'odd'],
    ]) {
      expect((await at('work', ...args)).code).toBe(2);
    }
  });
});
