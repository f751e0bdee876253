import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadTask } from '../../src/rollout/task.ts';

const validate = new Ajv({ allowUnionTypes: true, strictRequired: false }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/task.schema.json', import.meta.url), 'utf8')),
);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'task-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Tasks that are wrong, and what is said about them; the schema must refuse each one too. */
const WRONG: Record<string, [yaml: string, message: RegExp]> = {
  'no map': ['- 1', /must be a map, not a list/],
  'nothing at all': ['', /must be a map, not nothing/],
  'no name': ['verify: {cmd: "true"}', /lacks "name"/],
  'no verifier': ['name: x', /verify: must be a map, not nothing/],
  'a verifier without a command': ['{name: x, verify: {timeout: 3}}', /verify: lacks "cmd"/],
  'an unknown field': [
    '{name: x, verify: {cmd: "true"}, verfy: 1}',
    /unknown field "verfy"; there are: name/,
  ],
  'no turns at all': ['{name: x, verify: {cmd: "true"}, max_turns: 0}', /"max_turns" must be a whole number/],
  'half a turn': ['{name: x, verify: {cmd: "true"}, max_turns: 1.5}', /"max_turns" must be a whole number/],
  'a timeout of nothing': [
    '{name: x, verify: {cmd: "true"}, turn_timeout: 0}',
    /"turn_timeout" must be a number above 0/,
  ],
  'a text as timeout': [
    '{name: x, verify: {cmd: "true", timeout: soon}}',
    /"timeout" must be a number above 0, not "soon"/,
  ],
};

describe('loading a task', () => {
  for (const [what, [yaml, message]] of Object.entries(WRONG)) {
    it(`refuses ${what}, as the schema does`, async () => {
      const file = write('task.yml', yaml);
      await expect(loadTask(dir)).rejects.toMatchObject({
        code: 'invalid-task',
        message: expect.stringMatching(message),
      });
      await expect(loadTask(dir)).rejects.toThrow(file);
      expect(validate(parse(yaml))).toBe(false);
    });
  }

  it('says where YAML is broken', async () => {
    write('task.yml', 'name: [x');
    await expect(loadTask(dir)).rejects.toMatchObject({
      code: 'invalid-task',
      message: expect.stringMatching(/line 1/),
    });
  });

  it('names a path that is not there', async () => {
    await expect(loadTask(join(dir, 'none'))).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(loadTask(dir)).rejects.toThrow(join(dir, 'task.yml'));
  });

  it('reads a single file with everything inline', async () => {
    const yaml = `
name: inline
verify: { cmd: sh "$TESTS/t.sh" }
workspace: { a/b.txt: "ünïcode\\n" }
tests: { t.sh: "exit 0" }
agents: { solve: [{ cmd: "true", note: easy }, { commands: [{ cmd: a, timeout: 2 }, { cmd: b }] }] }
`;
    const task = await loadTask(write('one.yml', yaml));
    expect(validate(parse(yaml)), JSON.stringify(validate.errors)).toBe(true);
    expect(task).toMatchObject({
      name: 'inline',
      maxTurns: 20,
      turnTimeout: 60,
      verify: { timeout: 60 },
      image: null,
    });
    expect(await task.workspace()).toEqual([{ path: 'a/b.txt', content: Buffer.from('ünïcode\n') }]);
    expect(await task.recording('solve')).toEqual([
      [{ cmd: 'true' }],
      [{ cmd: 'a', timeout: 2 }, { cmd: 'b' }],
    ]);
    await expect(task.recording('toString')).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it('reads directories, modes kept, and recordings line by line', async () => {
    write('task.yml', '{name: x, verify: {cmd: "true"}}');
    write('workspace/sub/run.sh', 'echo');
    write('tests/t', '');
    write('agents/a.jsonl', '{"cmd": "one"}\n\n{"cmd": "two", "timeout": 1.5}\n');
    const task = await loadTask(dir);
    expect(await task.workspace()).toMatchObject([{ path: 'sub/run.sh', mode: 0o644 }]);
    expect(await task.recording('a')).toEqual([[{ cmd: 'one' }], [{ cmd: 'two', timeout: 1.5 }]]);
    write('agents/a.jsonl', '{"cmd": "one"}\nnonsense\n');
    await expect(task.recording('a')).rejects.toThrow(/a\.jsonl:2/);
  });

  it('follows no link out of the task and no name out of the agents', async () => {
    write('task.yml', '{name: x, verify: {cmd: "true"}}');
    write('workspace/a', '');
    symlinkSync('/etc/passwd', join(dir, 'workspace', 'link'));
    write('secret.yml', '[{cmd: id}]');
    mkdirSync(join(dir, 'agents'));
    const task = await loadTask(dir);
    await expect(task.workspace()).rejects.toMatchObject({ code: 'unsafe-path' });
    for (const name of ['../secret', '..', '/etc/passwd', 'a/b', '']) {
      await expect(task.recording(name)).rejects.toMatchObject({ code: 'usage' });
    }
  });
});
