import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonValue } from '../../src/types.ts';
import type { CliResult } from '../helpers/cli.ts';
import { describeWith } from '../helpers/components.ts';
import { startModelServer } from '../helpers/model-server.ts';
import { type Newcomer, newcomer } from '../helpers/newcomer.ts';
import { runnersUnderTest } from '../helpers/runners.ts';

const examples = join(packageRoot(), 'machines', 'examples');

/** What a command comes to: its JSON on stdout, or what it writes, or its exit code with nothing on stdout. */
type Expected = { json: JsonValue } | { writes: RegExp } | { code: number };

/** Every example, and what the commands in its header come to, in order. */
const SHOWN: Record<string, readonly Expected[]> = {
  'any.yml': [
    { json: { from: 'quick' } },
    { writes: /^(?=[\s\S]*cancelled +slow)(?=[\s\S]*completed +done)(?=[\s\S]*failed +broken)/ },
  ],
  'cel.yml': [{ json: { verdict: 'accepted' } }],
  'children.yml': [{ json: { text: 'area: 12 is large', twice: 24 } }],
  'countdown.json': [{ json: { said: [3, 2, 1] } }],
  'describe.yml': [{ json: { text: 'area: 12 is large' } }],
  'foreach.yml': [
    {
      json: {
        reports: {
          p1: { text: 'parcel 1: 3 is small' },
          p2: { text: 'parcel 2: 25 is large' },
          p3: { _error: 'no transition of state "look" matched', _error_type: 'NoTransitionError' },
        },
      },
    },
  ],
  'hooks.yml': [
    { json: { paid: 40, receipt: expect.stringMatching(/^hooks-.*\.1$/) } },
    { json: { paid: null, ask: 'a person' } },
    { json: { paid: null, why: 'cannot charge -1' } },
  ],
  'launch.yml': [
    { json: { confirmed: 17 } },
    { writes: /^order\.1\.l0 +pack +completed/m },
    { writes: /"parcel": ?"packed"/ },
  ],
  'retry.yml': [
    { json: { poem: 'A poem at last.', calls: 3 } },
    { writes: /call\.0: ✖ RateLimitError.*\n.*call\.1: ✖ ServerError: overloaded\n.*call\.2: answered/ },
  ],
  'samples.yml': [{ json: { collected: [41, 42], best: 42 } }, { writes: /mdap_voting: 3 samples, lead 2/ }],
  'state-hooks.yml': [
    { json: { entered: ['machine (run)', 'first (first)', 'third (third)'], ended_by: 'run' } },
  ],
  'tool-loop.yml': [
    {
      json: {
        answer: 'Twenty bolts are reserved. Nuts are out of stock.',
        reserved: [{ part: 'bolt', count: 20, id: 'tool.1.0' }],
        tool_calls: 3,
      },
    },
    { writes: /look_up[\s\S]*reserve/ },
  ],
  'wait-for.yml': [
    { code: 4 },
    { writes: /handed to 1 execution/ },
    { json: { resumed: 1, busy: 0, failed: 0 } },
    { writes: /"opened_for": ?"Ada"/ },
  ],
};

/** They need more than this machine alone, and have tests of their own below. */
const APART = ['command-agent.yml', 'flatagent.yml', 'http-agent.yml'];

let place: Newcomer;
beforeAll(async () => {
  place = await newcomer();
  return () => place.remove();
});

/** The commands in the header of a file; in JSON, which has no comments, that in `metadata.about`. */
function commandsOf(file: string): string[] {
  const text = readFileSync(join(examples, file), 'utf8');
  if (file.endsWith('.json')) return [/flatmachine run [^"]+/.exec(text)![0]];
  return [...text.matchAll(/^# {3}(\S.*)$/gm)].map(([, command]) => command!);
}

function check(result: CliResult, expected: Expected): void {
  if ('code' in expected) expect(result).toMatchObject({ code: expected.code, stdout: '' });
  else if ('writes' in expected) expect(result.stdout + result.stderr).toMatch(expected.writes);
  else expect(json(result)).toEqual(expected.json);
}

function json({ code, stdout, stderr }: CliResult): JsonValue {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as JsonValue;
}

describe('the examples', () => {
  it('are all run by these tests, and lint clean', async () => {
    const files = readdirSync(examples).filter((name) => /\.(yml|json)$/.test(name));
    expect(files.sort()).toEqual([...Object.keys(SHOWN), ...APART].sort());
    expect((await place.shell('flatmachine lint machines')).stderr).toMatch(
      /^\d+ files, 0 errors, 0 warnings\n$/,
    );
  });

  it('stand in their README, each with what it shows', () => {
    const index = readFileSync(join(examples, 'README.md'), 'utf8');
    const named = [...index.matchAll(/^\| \[([^\]]+)\]\(\1\)/gm)].map(([, name]) => name!);
    expect(named.sort()).toEqual([...Object.keys(SHOWN), ...APART].sort());
  });

  for (const [file, expected] of Object.entries(SHOWN)) {
    it(`${file} does what its header says`, async () => {
      const commands = commandsOf(file);
      expect(commands).toHaveLength(expected.length);
      for (const [i, command] of commands.entries()) check(await place.shell(command), expected[i]!);
    });
  }
});

for (const { name, found, env, input } of runnersUnderTest) {
  describeWith(name, `an agent that is a program, on ${name} (command-agent.yml)`, found, () => {
    it('works in a slot, and what it left is judged', async () => {
      const command = `flatmachine run machines/examples/command-agent.yml --runner ${name} --input '${input}'`;
      expect(json(await place.shell(command, env))).toEqual({
        answer: { word: 'the', count: 3 },
        reward: 1,
        runner: name,
      });
    });
  });
}

describe('agents elsewhere; here they are on this machine', () => {
  it('a server is asked, and what it costs is counted (http-agent.yml)', async () => {
    const server = spawn(process.execPath, [join(examples, 'http-agent-server.mjs'), '0']);
    try {
      const [said] = (await once(server.stdout, 'data')) as [Buffer];
      const port = Number(/\d+/.exec(said.toString())![0]);
      const input = JSON.stringify({ topic: 'durability', port });
      const result = await place.shell(`flatmachine run machines/examples/http-agent.yml --input '${input}'`);
      expect(json(result)).toEqual({
        plan: ['read about durability', 'write about durability'],
        cost: 0.002,
      });
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('a model is asked with the settings of its profile (flatagent.yml)', async () => {
    const server = await startModelServer({
      answers: [{ text: 'Sure:\n{verdict: "Accept", "score": "8",}' }],
    });
    try {
      const copy = join(place.directory, 'copy');
      cpSync(examples, copy, { recursive: true });
      const profiles = join(copy, 'agents', 'profiles.yml');
      const settings = readFileSync(profiles, 'utf8');
      writeFileSync(profiles, settings.replace('http://127.0.0.1:8000/v1', server.url));
      const result = await place.shell(`flatmachine run copy/flatagent.yml --input '{"patch": "- a bug"}'`);
      expect(json(result)).toEqual({ accepted: true, score: 8 });
      const [request] = server.requests;
      expect(request?.body).toMatchObject({ model: 'my-model', temperature: 0.2 });
      expect(JSON.stringify(request?.body.messages)).toContain('- a bug');
    } finally {
      await server.close();
    }
  });
});
