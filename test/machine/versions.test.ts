import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CompiledMachine,
  compileMachine,
  type LintOptions,
  lintTree,
  loadMachineFile,
  loadMachineObject,
} from '../../src/machine/index.ts';

const VERSIONS = join(import.meta.dirname, '../fixtures/versions');
const OPTIONS: LintOptions = {
  knownHooks: new Map([
    ['logging', []],
    ['webhook', []],
  ]),
  knownAgentTypes: ['flatagent', 'command', 'http', 'script'],
  knownExecutionTypes: [],
};

const load = (version: string) => loadMachineFile(join(VERSIONS, version, 'machine.yml'));
const compile = async (version: string): Promise<CompiledMachine> =>
  compileMachine(await load(version), OPTIONS);

describe('machines of other versions', () => {
  it.each([
    ['0.9', []],
    ['1.0', []],
    ['2.1', []],
    ['4.2', []],
  ])('%s is read without an error', async (version, expected) => {
    const { found } = await lintTree(await load(version), OPTIONS);
    expect(found.map(({ code }) => code)).toEqual(expected);
    await compile(version);
  });

  it('0.x: the older names of agents and profiles', async () => {
    const { agents, context } = await compile('0.9');
    expect(agents.get('translate')).toMatchObject({
      type: 'flatagent',
      config: { spec: 'flatagents' },
      profiles: { default: 'cheap' },
    });
    expect(context({ context: {}, input: { text: ['native'] } })).toEqual({ text: ['native'], tries: 0 });
  });

  it('1.0: native templates, classes of hooks, children in JSON with the profiles of their parent', async () => {
    const { hooks, machines, states, settings } = await compile('1.0');
    expect(hooks).toMatchObject([
      { kind: 'class', class: 'PressHooks', args: { greeting: '{{ input.greeting }}' } },
    ]);
    expect(settings).toMatchObject({ max_steps: 50, max_depth: 4 });
    const writer = machines.get('article')?.agents.get('writer');
    expect(writer).toMatchObject({ dir: join(VERSIONS, '1.0/agents'), profiles: { override: 'careful' } });
    const start = states.get('start');
    const topic = { id: 7, title: 't' };
    const scope = { context: { topics: [topic], limit: 2 }, input: {}, locals: { topic, index: 0 } };
    expect(start?.children?.foreach?.items(scope)).toEqual([topic]);
    expect(start?.children?.foreach?.key?.(scope)).toBe(7);
    expect(start?.input?.(scope)).toEqual({ topic, limit: 2 });
    expect(states.get('vote')?.agent?.execution).toEqual({
      type: 'mdap_voting',
      k_margin: 2,
      max_candidates: 7,
    });
    expect(states.get('both')).toMatchObject({
      parts: ['launch', 'children'],
      children: { single: false, mode: 'any', machines: [{ machine: 'check' }, { machine: 'archive' }] },
    });
  });

  it('2.x: templates are text, bare paths are not; named hooks of the machine', async () => {
    const { context, hooks, states } = await compile('2.1');
    const input = { order: { id: 5 } };
    expect(context({ context: {}, input })).toEqual({ order: { id: 5 }, note: 'Order 5' });
    expect(hooks.map((hook) => hook.kind === 'named' && hook.name)).toEqual(['logging', 'webhook']);
    const start = states.get('start');
    expect(start?.waitFor?.({ context: { order: { id: 5 } }, input })).toBe('approval/5');
    const scope = { context: {}, input, output: { approved: true, by: 7 } };
    expect(start?.outputToContext.map(([key, render]) => [key, render(scope)])).toEqual([
      ['approved', true],
      ['by', '7'],
    ]);
  });

  it('4.x: hooks of states and lifecycles, typed and bundled agents, bounds of tool loops', async () => {
    const { agents, hooks, lifecycleHooks, machines, states } = await compile('4.2');
    expect(hooks).toEqual([]);
    expect(lifecycleHooks).toHaveLength(2);
    const start = states.get('start');
    expect(start?.hooks).toMatchObject([{ name: 'logging', args: { level: 'debug' } }]);
    expect(start?.agent?.toolLoop).toEqual({
      maxTurns: 12,
      maxToolCalls: Number.POSITIVE_INFINITY,
      toolTimeout: 30,
      totalTimeout: 600,
      maxCost: 1.5,
      allowedTools: ['bash', 'read_file'],
      deniedTools: ['write_file'],
    });
    expect(agents.get('plain')?.config.data).toMatchObject({
      prompt: { system: 'You write code.' },
      profile: { name: 'small' },
    });
    expect(agents.get('typed')?.config).toEqual(agents.get('plain')?.config);
    expect(agents.get('bundled')).toMatchObject({
      type: 'flatagent',
      dir: join(VERSIONS, '4.2/agents'),
      config: { data: { system: 'You check.' } },
    });
    expect(machines.get('one')).toMatchObject({ specVersion: '4.2.0', path: ['one'] });
    const each = states.get('each');
    const scope = { context: { files: ['a'] }, input: {}, locals: { item: 'a', index: 0 } };
    expect(each?.children?.foreach?.items(scope)).toEqual(['a']);
    expect(each?.input?.(scope)).toEqual({ file: 'a' });
  });

  it('a list under foreach is a list in every version', async () => {
    const states = {
      start: { foreach: '{{ context.xs }}', machine: 'kid', transitions: [{ to: 'done' }] },
      done: { type: 'final' },
    };
    const kid = { data: { states: { done: { type: 'final' } } } };
    for (const spec_version of ['1.0.0', '1.1.0', '4.2.1']) {
      const config = {
        spec: 'flatmachine',
        spec_version,
        data: { context: { xs: [] }, machines: { kid }, states },
      };
      const compiled = await compileMachine(await loadMachineObject(config, { dir: '.' }));
      const items = compiled.states.get('start')?.children?.foreach?.items;
      expect(items?.({ context: { xs: [1, 2] }, input: {} })).toEqual([1, 2]);
    }
  });
});
