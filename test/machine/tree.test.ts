import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isFlatMachineError } from '../../src/errors.ts';
import {
  type CompiledMachine,
  compileMachine,
  type Diagnostic,
  lintTree,
  loadMachineFile,
  loadMachineObject,
} from '../../src/machine/index.ts';
import { machine, scratch } from './helpers.ts';

const END = 'states: {done: {type: final}}';

/** Writes files and gives their directory. */
function write(files: Record<string, string>): string {
  const dir = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

async function compile(files: Record<string, string>, root = 'main.yml'): Promise<CompiledMachine> {
  return compileMachine(await loadMachineFile(join(write(files), root)));
}

/** `file:line:column code` of each finding, files without their directory. */
async function lint(files: Record<string, string>, root = 'main.yml'): Promise<string[]> {
  const dir = write(files);
  const { found } = await lintTree(await loadMachineFile(join(dir, root)));
  return found.map((each) => place(each, dir));
}

function place({ location, code }: Diagnostic, dir: string): string {
  return `${location.file.replace(`${dir}/`, '')}:${location.line}:${location.column} ${code}`;
}

const child = (at: CompiledMachine, ...names: string[]): CompiledMachine =>
  names.reduce((from, name) => {
    const found = from.machines.get(name);
    if (found === undefined) throw new Error(`no child ${name}`);
    return found;
  }, at);

describe('child machines', () => {
  it('stand in files of their own, inline, or inline in inline ones', async () => {
    const root = await compile({
      'main.yml': machine(`machines:
  file: ./deep/kid.yml
  mapped: {path: deep/kid.json}
  wrapped: {inline: {spec: flatmachine, spec_version: "1.0.0", data: {name: w, ${END}}}}
  bare: {spec: flatmachine, data: {machines: {inner: {data: {${END}}}}, ${END}}}
states: {start: {machine: [file, bare], transitions: [{to: done}]}, done: {type: final}}`),
      'deep/kid.yml': machine(`machines: {peer: ./kid.json}\n${END}`),
      'deep/kid.json': JSON.stringify({
        spec: 'flatmachine',
        spec_version: '1.0.0',
        data: { name: 'json', states: { done: { type: 'final' } } },
      }),
    });
    expect([...root.machines.keys()]).toEqual(['file', 'mapped', 'wrapped', 'bare']);
    expect(child(root, 'file')).toMatchObject({ name: 'kid', path: [], dir: join(root.dir, 'deep') });
    expect(child(root, 'wrapped')).toMatchObject({
      name: 'w',
      file: root.file,
      path: ['wrapped'],
      dir: root.dir,
    });
    expect(child(root, 'bare', 'inner')).toMatchObject({ name: 'inner', path: ['bare', 'inner'] });
    expect(child(root, 'bare', 'inner').states.get('done')?.location).toMatchObject({ line: 8 });
    expect(child(root, 'file', 'peer').name).toBe('json');
    expect(child(root, 'mapped')).toBe(child(root, 'file', 'peer'));
  });

  it('may be the same machine by two names, themselves, or in a circle over files', async () => {
    const states =
      'states: {start: {transitions: [{condition: input.more, to: go}, {to: done}]}, go: {machine: x, transitions: [{to: done}]}, done: {type: final}}';
    const root = await compile({
      'main.yml': machine(`machines: {x: ./b.yml, y: ./sub/../b.yml, self: {path: main.yml}}\n${states}`),
      'b.yml': machine(`machines: {x: ./c.yml}\n${states}`),
      'c.yml': machine(`machines: {x: ./main.yml}\n${states}`),
    });
    expect(child(root, 'self')).toBe(root);
    expect(child(root, 'y')).toBe(child(root, 'x'));
    expect(child(root, 'x', 'x', 'x')).toBe(root);
  });

  it('of a machine from memory are found beside its directory', async () => {
    const dir = write({ 'kid.yml': machine(END) });
    const config = {
      spec: 'flatmachine',
      spec_version: '1.0.0',
      data: {
        machines: { kid: './kid.yml', own: { data: { states: { z: { type: 'final' } } } } },
        states: { start: { machine: 'kid', transitions: [{ to: 'done' }] }, done: { type: 'final' } },
      },
    };
    const root = await compileMachine(await loadMachineObject(config, { dir }));
    expect(child(root, 'kid').file).toBe(join(dir, 'kid.yml'));
    expect(child(root, 'own').states.get('z')?.location.file).toBe('machine#data.machines.own.data.states.z');
  });

  it('with mistakes report them once, with their own places, whatever else is wrong', async () => {
    const files = {
      'main.yml': machine(`machines: {a: ./kid.yml, b: ./kid.yml, c: ./none.yml, d: ./gone/}
states:
  start: {machine: [a, b], transitions: [{to: doen}, {to: done}]}
  done: {type: final}`),
      'kid.yml': machine(`machines: {up: ./main.yml, z: {path: ./z.yml}}
states: {start: {machine: up, transitions: [{to: nowhere}, {to: done}]}, done: {type: final}}`),
      'z.yml': 'spec: [',
      'gone/x': '',
    };
    expect(await lint(files)).toEqual([
      'main.yml:4:45 missing-file',
      'main.yml:4:60 missing-file',
      'main.yml:6:49 unknown-target',
      'main.yml:6:56 dead-transition',
      'kid.yml:5:29 too-deep',
      'kid.yml:5:52 unknown-target',
      'kid.yml:5:62 dead-transition',
      'z.yml:1:8 yaml-syntax',
    ]);
    const error = await compile(files).catch((thrown: unknown) => thrown);
    if (!isFlatMachineError(error, 'invalid-machine')) throw error;
    expect(error.message).toMatch(/kid\.yml:5:52 {2}a transition of state "start" leads to "nowhere"/);
    expect((error.details as { diagnostics: unknown[] }).diagnostics).toHaveLength(5);
  });

  it('are named as the machine is: relative to the working directory, or not', async () => {
    const dir = write({
      'main.yml': machine(`machines: {a: ./k/kid.yml}\n${END}`),
      'k/kid.yml': machine('x: 1'),
    });
    const before = process.cwd();
    process.chdir(dir);
    try {
      const { found, sourceOf } = await lintTree(await loadMachineFile('main.yml'));
      expect(new Set(found.map(({ location }) => location.file))).toEqual(new Set(['k/kid.yml']));
      expect(sourceOf('k/kid.yml')).toContain('x: 1');
    } finally {
      process.chdir(before);
    }
  });

  it.each([
    ['a circle', 'machine: x', 1],
    ['a circle of launches', 'launch: x', 1],
    ['a circle behind a condition', 'transitions: [{condition: input.a, to: done}, {to: go}]', 0],
    ['a circle over items', 'machine: x, foreach: input.items', 0],
    ['a circle behind a signal', 'wait_for: a, machine: x', 0],
    ['a circle that a hook may leave', 'machine: x, hooks: {module: m, class: C}', 0],
  ])('that run each other for ever are found: %s', async (_, work, count) => {
    const more = work.includes('transitions') ? '' : ', transitions: [{to: done}]';
    const states = `states: {start: {${work}${more}}, go: {machine: x, transitions: [{to: done}]}, done: {type: final}}`;
    const found = await lint({
      'main.yml': machine(`machines: {x: ./b.yml}\n${states}`),
      'b.yml': machine(`machines: {x: ./main.yml}\n${states}`),
    });
    const deep = found.filter((each) => each.endsWith('too-deep'));
    expect(deep).toEqual(Array.from({ length: count }, () => expect.stringMatching(/^b\.yml:5:\d+ /)));
  });

  it('that nest too deep for sure are found', async () => {
    let data = END;
    for (let i = 0; i < 4; i++) {
      data = `machines: {k: {data: {${data.replaceAll('\n', ', ')}}}}\nstates: {start: {machine: k, transitions: [{to: done}]}, done: {type: final}}`;
    }
    expect(await lint({ 'main.yml': machine(data) })).toEqual([]);
    expect((await lint({ 'main.yml': machine(`settings: {max_depth: 4}\n${data}`) })).length).toBe(0);
    const found = await lint({ 'main.yml': machine(`settings: {max_depth: 3}\n${data}`) });
    expect(found).toEqual([expect.stringMatching(/too-deep$/)]);
  });
});

const WRITER = `spec: flatagent
spec_version: "1.0.0"
data:
  model: fast
  system: You write.
  user: "{{ input.topic }}"
`;
const PROFILES = `spec: flatprofile
spec_version: "1.0.0"
data:
  model_profiles: {fast: {provider: openai, name: small}, good: {name: large}}
  default: fast
`;
const CALL = 'states: {start: {agent: writer, transitions: [{to: done}]}, done: {type: final}}';

describe('agents', () => {
  it('are read from files, taken inline, or left to their type', async () => {
    const root = await compile({
      'main.yml': machine(`settings: {profiles: ./profiles.yml}
agents:
  writer: ./agents/writer.yml
  typed: {type: flatagent, ref: agents/writer.yml}
  embedded: {type: flatagent, ref: gone/writer.yml, config: {spec: flatagent, data: {model: good, user: hi}}}
  inline: {spec: flatagent, data: {user: hi}}
  shell: {type: command, config: {argv: [sh]}}
  theirs: {type: mine, ref: "./code.py#make"}
${CALL}`),
      'agents/writer.yml': WRITER,
      'profiles.yml': PROFILES,
    });
    const profiles = { default: 'fast', model_profiles: { fast: { name: 'small' } } };
    const file = join(root.dir, 'agents/writer.yml');
    const dir = join(root.dir, 'agents');
    const agent = (name: string) => root.agents.get(name);
    expect(agent('writer')).toMatchObject({ type: 'flatagent', file, dir, profiles });
    expect(agent('writer')?.config).toMatchObject({ data: { model: 'fast' } });
    expect(agent('typed')).toMatchObject({ file, dir, config: agent('writer')?.config });
    expect(agent('embedded')).toMatchObject({
      dir: join(root.dir, 'gone'),
      config: { data: { model: 'good' } },
    });
    expect(agent('inline')).toMatchObject({ file: null, dir: root.dir, config: { data: { user: 'hi' } } });
    expect(agent('shell')).toMatchObject({ type: 'command', config: { argv: ['sh'] }, file: null });
    expect(agent('theirs')).toMatchObject({ type: 'mine', config: {}, file: join(root.dir, 'code.py#make') });
    expect(agent('shell')?.location).toMatchObject({ line: 10 });
  });

  it('take the place of prompts and profiles that they name by path', async () => {
    const root = await compile({
      'main.yml': machine(`agents: {writer: a/writer.yml}\n${CALL}`),
      'a/writer.yml': 'spec: flatagent\ndata: {prompt: ../p/prompt.yml, profile: ./profile.yml}\n',
      'p/prompt.yml': 'system: Be brief.\nuser: "{{ input.q }}"\n',
      'a/profile.yml': 'name: small\n',
    });
    expect(root.agents.get('writer')?.config.data).toEqual({
      prompt: { system: 'Be brief.', user: '{{ input.q }}' },
      profile: { name: 'small' },
    });
  });

  it('with mistakes report them once, in their own files', async () => {
    const found = await lint({
      'main.yml': machine(`profiles: profiles.yml
agents:
  writer: ./writer.yml
  twice: {type: flatagent, ref: writer.yml}
  none: {type: flatagent, ref: ./none.yml}
  kind: ./profiles.yml
  bad: {spec: flatagent, data: {model: {profile: nope}, user: "{{ 1 +", mcp: {servers: {s: {args: []}}}}}
  short: {type: flatagent, config: {spec: flatagent, data: {sytem: x}}}
${CALL}`),
      'writer.yml': WRITER.replace('fast', 'fats')
        .replace('system:', 'sytem:')
        .replace('input.topic', 'input.'),
      'profiles.yml': PROFILES.replace('default: fast', 'default: quick').replace(
        'name: large',
        'name: "{{ 1 "',
      ),
    });
    expect(found).toEqual([
      'main.yml:8:34 missing-file',
      'main.yml:10:52 unknown-profile',
      'main.yml:10:68 bad-template',
      'main.yml:10:91 missing-field',
      'main.yml:11:63 unknown-field',
      'profiles.yml:1:7 wrong-kind',
      'profiles.yml:4:75 bad-template',
      'profiles.yml:5:12 unknown-profile',
      'writer.yml:4:10 unknown-profile',
      'writer.yml:5:3 unknown-field',
      'writer.yml:6:20 bad-template',
    ]);
  });

  it('of children use the profiles of their parents, unless they have some', async () => {
    const root = await compile({
      'main.yml': machine(`profiles: profiles.yml
machines:
  one: ./kid.yml
  two: {data: {agents: {writer: ./writer.yml}, ${CALL}}}
  own: {data: {profiles: {model_profiles: {fast: {name: other}}}, machines: {below: ./kid.yml}, ${CALL.replace('agent: writer', 'machine: below')}}}
states: {start: {machine: [one, two, own], transitions: [{to: done}]}, done: {type: final}}`),
      'kid.yml': machine(`agents: {writer: ./writer.yml}\n${CALL}`),
      'writer.yml': WRITER,
      'profiles.yml': PROFILES,
    });
    const model = (...names: string[]) => child(root, ...names).agents.get('writer')?.profiles;
    expect(model('one')).toMatchObject({ default: 'fast' });
    expect(model('two')).toMatchObject({ default: 'fast' });
    expect(model('own', 'below')).toEqual({ model_profiles: { fast: { name: 'other' } } });
    expect(child(root, 'one').configHash).not.toBe(child(root, 'own', 'below').configHash);
  });

  it('are part of what a machine is: a change in any of their files is another hash', async () => {
    const files = {
      'main.yml': machine(`profiles: profiles.yml\nagents: {writer: ./writer.yml}\n${CALL}`),
      'writer.yml': `${WRITER}  prompt: ./prompt.yml\n`,
      'prompt.yml': 'user: one\n',
      'profiles.yml': PROFILES,
    };
    const hash = async (change: Record<string, string>) =>
      (await compile({ ...files, ...change })).configHash;
    const all = await Promise.all([
      hash({}),
      hash({ 'writer.yml': files['writer.yml'].replace('You write', 'You sing') }),
      hash({ 'prompt.yml': 'user: two\n' }),
      hash({ 'profiles.yml': PROFILES.replace('small', 'tiny') }),
    ]);
    expect(new Set(all).size).toBe(4);
    expect(await hash({ 'writer.yml': `# a comment\n${files['writer.yml']}` })).toBe(all[0]);
  });

  it('and profiles are linted as what they are', async () => {
    expect(await lint({ 'main.yml': WRITER.replace('user:', 'usr:') })).toEqual([
      'main.yml:6:3 unknown-field',
    ]);
    expect(await lint({ 'main.yml': PROFILES.replace('default: fast', 'default: slow') })).toEqual([
      'main.yml:5:12 unknown-profile',
    ]);
  });
});
