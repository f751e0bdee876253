import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FlatMachine } from '../../src/flatmachine.ts';
import { lintMachine, loadMachineObject } from '../../src/machine/index.ts';
import type { JsonObject } from '../../src/types.ts';
import { directoryWith } from '../helpers/cli.ts';
import { machineOf } from '../helpers/machine.ts';
import { outputOf, refusal } from './helpers.ts';

const end = { type: 'final', output: { at: 'context.machine.current_state' } };
const go = (to: string) => ({ transitions: [{ to }] });

describe('loading and structure', () => {
  it('case 1: another envelope, or none, is refused', async () => {
    const data = { states: { a: { type: 'final' } } };
    expect(await refusal({ spec: 'flatmachines', spec_version: '1.0.0', data })).toEqual(['not-a-machine']);
    expect(await refusal({ spec_version: '1.0.0', data })).toEqual(['not-a-machine']);
    expect(await refusal({ spec: 'flatmachine', spec_version: '1.0.0' })).toContain('missing-field');
  });

  it('case 2: two initial states, and no states, are refused', async () => {
    const two = { a: { type: 'initial', ...go('c') }, b: { type: 'initial', ...go('c') }, c: end };
    expect(await refusal(machineOf({ states: two }))).toContain('two-initials');
    expect(await refusal(machineOf({ states: {} }))).toContain('no-states');
  });

  it('case 3: without an initial state it begins at `start`, else at the first', async () => {
    const first = { type: 'final', output: { began: 'first' } };
    const start = { type: 'final', output: { began: 'start' } };
    expect(await outputOf({ states: { first, start } })).toEqual({ began: 'start' });
    expect(await outputOf({ states: { first, other: start } })).toEqual({ began: 'first' });
  });

  it('case 4: a target that does not exist is refused, with its place', async () => {
    const states = {
      a: { type: 'initial', transitions: [{ to: 'nowhere' }], on_error: 'gone' },
      b: { on_error: { TimeoutError: 'lost', default: 'end' }, ...go('end') },
      end,
    };
    const loaded = await loadMachineObject(machineOf({ states }), { dir: '.', name: 'm' });
    const found = lintMachine(loaded).filter(({ code }) => code === 'unknown-target');
    expect(found.map(({ location }) => location.file).sort()).toEqual([
      'm#data.states.a.on_error',
      'm#data.states.a.transitions.0.to',
      'm#data.states.b.on_error.TimeoutError',
    ]);
  });

  it('case 5: an agent or a machine that is not in its map is refused', async () => {
    const agent = { a: { type: 'initial', agent: 'writer', ...go('end') }, end };
    expect(await refusal(machineOf({ states: agent }))).toEqual(['unknown-agent']);
    const machine = { a: { type: 'initial', machine: 'child', ...go('end') }, end };
    expect(await refusal(machineOf({ states: machine }))).toEqual(['unknown-machine']);
  });

  it('case 6: another minor version runs', async () => {
    for (const spec_version of ['0.9.0', '1.3.7', '4.2.1']) {
      const machine = await FlatMachine.load(
        { ...machineOf({ states: { end: { type: 'final', output: { ok: 'input.ok' } } } }), spec_version },
        { backend: 'memory' },
      );
      expect((await machine.execute({ ok: 1 })).output).toEqual({ ok: 1 });
    }
  });

  it('case 7: JSON and YAML are one; paths are relative to the file that holds them', async () => {
    const states = {
      call: {
        type: 'initial',
        machine: 'child',
        input: { n: '{{ input.n }}' },
        output_to_context: { got: 'output.twice' },
        ...go('end'),
      },
      end: { type: 'final', output: { got: 'context.got' } },
    };
    const json = JSON.stringify(machineOf({ machines: { child: './parts/child.yml' }, states }));
    const directory = directoryWith({
      'm.json': json,
      'm.yml': json,
      'parts/child.yml': JSON.stringify(
        machineOf({
          machines: { deeper: './deep/er.json' },
          states: {
            call: {
              type: 'initial',
              machine: 'deeper',
              input: { n: 'input.n' },
              output_to_context: { twice: 'output.twice' },
              ...go('end'),
            },
            end: { type: 'final', output: { twice: 'context.twice' } },
          },
        }),
      ),
      'parts/deep/er.json': JSON.stringify(
        machineOf({ states: { end: { type: 'final', output: { twice: '{{ input.n * 2 }}' } } } }),
      ),
    });
    try {
      for (const file of ['m.json', 'm.yml']) {
        const machine = await FlatMachine.load(join(directory, file), { backend: 'memory' });
        expect((await machine.execute({ n: 4 })).output).toEqual({ got: 8 });
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('case 8: an unknown field is found; what users of the reference rely on is taken', async () => {
    const odd = { a: { type: 'initial', acton: 'x', ...go('end') }, end };
    expect(await refusal(machineOf({ states: odd }))).toContain('unknown-field');
    const known: JsonObject = {
      a: {
        type: 'initial',
        agent: 'x',
        execution: { type: 'retry', backoffs: [1], retry_on_empty: true },
        ...go('end'),
      },
      end: { type: 'final', output: 'context.a' },
    };
    const agents = { x: { type: 'script', config: { answers: ['hi'] } } };
    const profiles = {
      spec: 'flatprofiles',
      spec_version: '1.0.0',
      data: { model_profiles: { fast: { provider: 'openai', name: 'some-model' } } },
    };
    expect(await refusal(machineOf({ agents, profiles, states: known }))).toEqual([]);
  });
});
