import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileMachine,
  formatDiagnostic,
  type LintOptions,
  type LoadedMachine,
  lintMachine,
  lintTree,
  loadMachineFile,
  loadMachineObject,
  machineGraph,
} from '../../src/machine/index.ts';
import { distance } from '../../src/machine/lint/did-you-mean.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { lint, load, machine, places, scratch } from './helpers.ts';

const DONE = '  done: {type: final}';
const VERSIONS = join(import.meta.dirname, '../fixtures/versions');
const said = async (data: string): Promise<string[]> => {
  const found = await lint(machine(data), { callerHooks: true });
  return found.map(({ code, message, remedy }) => `${code}: ${message}. ${remedy}`);
};

describe('what the findings say', () => {
  it.each([
    [
      `states:\n  start: {transition: [], transitions: [{to: done}]}\n${DONE}`,
      'unknown-field: state "start" has no field "transition". did you mean "transitions"?',
    ],
    [
      `states:\n  start: {transitions: {to: done}}\n${DONE}`,
      'wrong-type: "transitions" of state "start" must be a list, not a map. Write the value in the form that the message names.',
    ],
    [
      `states:\n  start: {transitions: [{to: done}, {to: 5}]}\n${DONE}`,
      'wrong-type: "to" of transition 2 of state "start" must be the name of a state, not 5. Write the value in the form that the message names.',
    ],
    [
      `states:\n  start: {type: finale}\n${DONE}`,
      'bad-value: "type" of state "start" must be "initial" or "final", not "finale". did you mean "final"?',
    ],
    [
      `states:\n  start: {hooks: [{nmae: x}], transitions: [{to: done}]}\n${DONE}`,
      'unknown-field: hook 1 of state "start" has no field "nmae". did you mean "name"?',
    ],
    [
      `settings: {max_steps: 0}\nstates:\n${DONE}`,
      'bad-value: "max_steps" of "settings" must be at least 1, not 0. Use one of the values that the message names.',
    ],
    [
      `settings: {heartbeat_interval: 0}\nstates:\n${DONE}`,
      'bad-value: "heartbeat_interval" of "settings" must be more than 0, not 0. Use one of the values that the message names.',
    ],
    [
      `settings: {backends: {persistence: sqllite}}\nstates:\n${DONE}`,
      'bad-value: "sqllite" is no backend that keeps persistence. did you mean "sqlite"?',
    ],
    [
      `settings: {backends: {locking: s3}}\nstates:\n${DONE}`,
      'bad-value: "s3" is no backend that keeps locking. Use none, memory, local, sqlite, redis, postgres, consul, or a URL such as sqlite:./runs.db.',
    ],
    [
      `persistence: {keep: 0}\nstates:\n${DONE}`,
      'bad-value: "keep" of "persistence" must be a number of steps from 1 on, or `all`, not 0. Use one of the values that the message names.',
    ],
    [
      `persistence: {keep: some}\nstates:\n${DONE}`,
      'bad-value: "keep" of "persistence" must be a number of steps from 1 on, or `all`, not "some". Use one of the values that the message names.',
    ],
    [
      `persistence: {checkpoint_on: [state_exti]}\nstates:\n${DONE}`,
      'bad-value: item 1 of "checkpoint_on" of "persistence" must be one of "machine_start", "state_enter", "execute", "state_exit", "machine_end", "waiting", "tool_call", not "state_exti". did you mean "state_exit"?',
    ],
    [
      `agents: {a: {spec: flatagent, data: {sytem: x}}}\nstates:\n${DONE}`,
      'unknown-field: "data" of agent "a" has no field "sytem". did you mean "system"?',
    ],
    [`agents: {a: {ref: x}}\nstates:\n${DONE}`, 'missing-field: agent "a" needs the field "type". Add it.'],
    [
      `states: [1]`,
      'wrong-type: "states" must be a map, not a list. Write the value in the form that the message names.',
    ],
    [`name: x`, 'missing-field: "data" needs the field "states". Add it.'],
    [
      `states:\n  start: {on_error: finished, transitions: [{to: done}]}\n${DONE}`,
      'unknown-target: `on_error` of state "start" leads to "finished", which is no state. Name a state of this machine.',
    ],
  ])('%s', async (data, expected) => {
    const all = await said(data);
    expect(all).toContain(expected);
    expect(all.join()).not.toMatch(/must NOT|must have|should |instancePath|#\//);
  });

  it('are sorted by place', async () => {
    const found = await lint(
      machine(
        'bad: 1\nstates:\n  b: {transitions: [{to: x}], oops: 1}\n  a: {timeout: no}\n  done: {type: final}\nalso: 2',
      ),
    );
    const order = places(found).map(
      (place) => place.split(' ')[0]?.split(':').map(Number) as [number, number],
    );
    expect(order.length).toBeGreaterThan(4);
    expect(order).toEqual([...order].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  });
});

describe('what is no finding', () => {
  it.each([
    [
      'a state with only conditional transitions',
      `states:\n  start: {transitions: [{condition: input.x, to: done}]}\n${DONE}`,
    ],
    [
      'a branch that only sets context',
      `states:\n  start: {output_to_context: {a: 1}, transitions: [{condition: context.a, to: done}]}\n${DONE}`,
    ],
    [
      'a state reached by on_error alone',
      `states:\n  start: {on_error: {default: bad, TimeoutError: slow}, transitions: [{to: done}]}\n  bad: {type: final}\n  slow: {type: final}\n${DONE}`,
    ],
    [
      'keys that an action may write',
      `hooks: worker\nstates:\n  start: {action: claim, transitions: [{condition: context.job, to: done}]}\n${DONE}`,
    ],
    [
      'keys that the engine writes',
      `states:\n  start: {on_error: bad, transitions: [{to: done}]}\n  bad: {type: final, output: {why: context.last_error, state: context.last_error_state, id: context.machine.execution_id}}\n${DONE}`,
    ],
    [
      'a field that is called like a file',
      `context: {json: 1}\nstates:\n  done: {type: final, action: read, output: {a: context.json, b: output.txt_path, c: input.log}}`,
    ],
    [
      'texts that only look like traps',
      `context: {a: "yes", b: 'off', c: "010", d: "1:30", e: true, f: 0, g: 0.5, h: -1, i: 12:x, y: 1, n: 2}\nstates:\n${DONE}`,
    ],
    ['recursive mappings', `states:\n  done: {type: final, output: {a: [{b: "{{ input.x }}"}, [input.y]]}}`],
    [
      'a loop variable',
      `states:\n  done: {type: final, output: {a: "{% for item in input.items %}{{ item.x }}{% endfor %}"}}`,
    ],
    [
      'CEL',
      `expression_engine: cel\nstates:\n  start: {transitions: [{condition: "has(input.x) && size(input.x) > 0", to: done}, {to: done}]}\n${DONE}`,
    ],
  ])('%s', async (_, data) => {
    expect(await said(data)).toEqual([]);
  });

  it('a machine of 4.x with everything in it', async () => {
    const text = machine(
      `name: whole
context:
  conversation: input.conversation
  turns: 0
agents:
  coder: {spec: flatagent, spec_version: "4.0.0", data: {prompt: ./p.yml, profile: fast}}
  shell: {type: command, config: {argv: [sh]}}
machines:
  child: {spec: flatmachine, spec_version: "4.2.1", data: {states: {done: {type: final}}}}
  again: {inline: {spec: flatmachine, spec_version: "4.2.1", data: {states: {done: {type: final}}}}}
lifecycle_hooks: [metrics, {name: webhook, args: {url: x}}]
settings: {max_depth: 3, parallel_fallback: error, templates: text}
persistence: {enabled: true, backend: sqlite, db_path: ./x.db, checkpoint_on: [state_exit, tool_call]}
states:
  start:
    agent: coder
    session_id: "{{ context.conversation }}::a"
    tool_loop: {max_turns: 30, max_cost: 2.0, denied_tools: [rm]}
    execution: {type: retry, backoffs: [1, 2], jitter: 0.1, retry_on_empty: true}
    sampling: single
    hooks: {name: tools, args: {a: 1}}
    transitions: [{condition: "(context.turns or 0) > 0", to: many}, {to: wait}]
  wait:
    wait_for: "chat/{{ context.conversation }}"
    timeout: 60
    output_to_context: {turns: output.turns}
    transitions: [{to: many}]
  many:
    machine: child
    foreach: context.turns
    as: turn
    key: "{{ turn.id }}"
    max_concurrency: 4
    mode: any
    input: {turn: "{{ turn }}", at: "{{ index }}"}
    transitions: [{to: pair}]
  pair:
    machine: [child, {name: again, input: {a: "{{ context.turns }}"}}]
    launch: [child]
    launch_input: {x: 1}
    transitions: [{to: done}]
  done: {type: final, output: {turns: context.turns}}`,
      '4.2.1',
    );
    expect(await lint(text)).toEqual([]);
  });
});

describe('rules in depth', () => {
  it('look into inline children, and keep their names apart', async () => {
    const found = await lint(
      machine(
        'machines:\n  kid:\n    data:\n      states:\n        a: {transitions: [{to: start}]}\n  other: {inline: {spec: flatmachine, data: {expression_engine: cel, states: {z: {transitions: [{condition: "1 +", to: z}]}}}}}\nstates:\n  start: {machine: kid, transitions: [{to: a}, {to: done}]}\n  done: {type: final}',
      ),
    );
    expect(found.map((one) => one.code).sort()).toEqual(
      [
        'bad-expression',
        'dead-transition',
        'no-final',
        'no-final',
        'unknown-target',
        'unknown-target',
      ].sort(),
    );
  });

  it('know actions only where every hook is known', async () => {
    const knownHooks = new Map([
      ['a', ['paint']],
      ['b', null],
      ['c', []],
    ]);
    const codes = async (hooks: string, more = '') =>
      (
        await lint(
          machine(
            `hooks: ${hooks}\nstates:\n  start: {action: print, ${more} transitions: [{to: done}]}\n${DONE}`,
          ),
          { knownHooks },
        )
      ).map((one) => one.code);
    expect(await codes('a')).toEqual(['unknown-action']);
    expect(await codes('[a, c]')).toEqual(['unknown-action']);
    expect(await codes('[a, b]')).toEqual([]);
    expect(await codes('a', 'hooks: b,')).toEqual([]);
    expect(await codes('[a, x]')).toEqual(['unknown-hook']);
    expect(await codes('[a, {module: m, class: C}]')).toEqual([]);
  });

  it('leave reachability to class hooks, which may route anywhere', async () => {
    const states = `states:\n  start: {transitions: [{to: start}]}\n  rescue: {transitions: [{to: done}]}\n${DONE}`;
    expect((await lint(machine(states))).map((one) => one.code)).toEqual(['no-final']);
    expect(await lint(machine(`hooks: {module: m, class: C}\n${states}`))).toEqual([]);
  });

  it('find a place inside a block of text', async () => {
    const found = await lint(
      machine(
        `states:\n  done:\n    type: final\n    output:\n      text: |\n        fine {{ input.a }}\n        not {{ input. }}`,
      ),
    );
    expect(places(found)).toEqual(['10:25 bad-template']);
  });

  it('take numbers that YAML 1.1 reads otherwise, as values and as names of states', async () => {
    const found = await lint(
      machine(
        `context: {a: 010, b: 12:30, c: on, d: 1_000}\nstates:\n  off: {transitions: [{to: done}]}\n${DONE}`,
      ),
    );
    expect(places(found)).toEqual([
      '4:16 yaml-11-trap',
      '4:24 yaml-11-trap',
      '4:34 yaml-11-trap',
      '4:41 yaml-11-trap',
      '6:5 yaml-11-trap',
    ]);
  });

  it.each([
    ['"4.99.1"', []],
    ['0.1.0', []],
    ['1.0', []],
    ['"5.0.0"', ['unknown-spec-version']],
    ['latest', ['unknown-spec-version']],
    ['[1]', ['unknown-spec-version']],
  ])('spec_version %s', async (version, codes) => {
    const found = await lint(
      `spec: flatmachine\nspec_version: ${version}\ndata: {states: {done: {type: final}}}`,
    );
    expect(found.map((one) => one.code)).toEqual(codes);
  });
});

const KID = 'kid: {data: {states: {z: {type: final}}}}';

describe('what goes with agents and children', () => {
  const known = { knownExecutionTypes: ['debate'], knownAgentTypes: ['flatagent', 'command', 'mine'] };
  const all = async (data: string, options: LintOptions = {}) =>
    (await lint(machine(data), options)).map(({ code, message, remedy }) => `${code}: ${message}. ${remedy}`);
  const agent = (fields: string, options: LintOptions = known) =>
    all(
      `agents: {w: {type: mine}}\nstates:\n  start: {agent: w, ${fields}, transitions: [{to: done}]}\n${DONE}`,
      options,
    );
  const kids = (fields: string) =>
    all(
      `machines: {${KID}, two: {data: {states: {z: {type: final}}}}}\nstates:\n  start: {${fields}, transitions: [{to: done}]}\n${DONE}`,
    );

  it.each([
    ['execution: {type: debate, rounds: 3}', []],
    ['execution: {type: mdap_voting, k_margin: 2}', []],
    ['execution: {type: retry}, tool_loop: true', []],
    ['execution: {type: parallel}, tool_loop: false', []],
    ['execution: {type: parallel}, sampling: multi', []],
    ['sampling: single', []],
    [
      'execution: {type: debat}',
      ['unknown-execution-type: there is no execution type "debat". did you mean "debate"?'],
    ],
    [
      'execution: {type: x}',
      [
        'unknown-execution-type: there is no execution type "x". The types are default, retry, parallel, mdap_voting, debate.',
      ],
    ],
    [
      'execution: {backofs: [1], type: retry}',
      ['unknown-field: "execution" of state "start" has no field "backofs". did you mean "backoffs"?'],
    ],
    [
      'execution: {n_samples: 2}',
      [
        'execution-option: the execution type "default" has no option "n_samples"; "parallel" has. Remove it, or change `type`.',
      ],
    ],
    [
      'execution: {type: parallel}, sampling: single',
      [
        'sampling-hint: `sampling: single` of state "start" changes nothing: the execution type is "parallel". Change `execution`, or remove `sampling`.',
      ],
    ],
    [
      'tool_loop: {max_turns: -1}',
      [
        'bad-value: "max_turns" of "tool_loop" of state "start" must be at least 0, not -1. Use one of the values that the message names.',
      ],
    ],
    [
      'tool_loop: {max_turn: 1}',
      ['unknown-field: "tool_loop" of state "start" has no field "max_turn". did you mean "max_turns"?'],
    ],
  ])('an agent with %s', async (fields, expected) => {
    expect(await agent(fields)).toEqual(expected);
  });

  it('names of types only where they are known', async () => {
    expect(await agent('execution: {type: x}', {})).toEqual([]);
    expect(await all(`agents: {w: {type: comand}}\nstates:\n${DONE}`)).toEqual([]);
    expect(await all(`agents: {w: {type: comand}}\nstates:\n${DONE}`, known)).toEqual([
      'unknown-agent-type: there is no type of agent "comand". did you mean "command"?',
    ]);
  });

  it.each([
    ['machine: [kid, two]', []],
    ['foreach: input.xs, machine: [kid]', []],
    ['launch: [kid, kid], launch_input: {a: 1}', []],
    ['foreach: input.xs, as: file, machine: {name: kid}', ['wrong-type']],
    ['machine: []', ['bad-value']],
    ['launch: []', ['bad-value']],
    ['machine: [{name: kid}, {name: kid}]', ['duplicate-child']],
    ['foreach: input.xs, machine: [kid, two]', ['foreach-several-machines']],
    ['foreach: input.xs, as: index, machine: kid', ['reserved-name']],
    ['foreach: input.xs, as: in, machine: kid', ['reserved-name']],
    ['foreach: input.xs, as: a-b, machine: kid', ['bad-value']],
    ['machine: kid, as: x, key: k, max_concurrency: 2', ['stray-field', 'stray-field', 'stray-field']],
    ['launch: kid, mode: any', ['stray-field']],
    ['machine: kid, session_id: a, tool_loop: true', ['stray-field', 'stray-field']],
    ['machine: kid, launch_input: {}', ['stray-field']],
    ['launch: kod', ['unknown-machine']],
    ['machine: kid, mode: all', ['bad-value']],
  ])('children with %s', async (fields, expected) => {
    expect((await kids(fields)).map((each) => each.split(':')[0])).toEqual(expected);
  });

  it('an empty list is said to be one', async () => {
    expect((await kids('machine: []'))[0]).toContain(
      'or a list of names or of {name, input}, not an empty list',
    );
  });

  it('an entry of machines that is nothing', async () => {
    expect(await all(`machines: {a: {}}\nstates:\n${DONE}`)).toEqual([
      'missing-field: machine "a" needs the field "path" or "data". Add it.',
    ]);
  });

  it('the item of a foreach is known where it is rendered, and nowhere else', async () => {
    const fields = (more: string) =>
      kids(
        `foreach: input.xs, as: file, machine: kid, key: "{{ file.id }}{{ index }}", input: {f: "{{ file }}", g: file.a, h: "{{ [index] }}"}${more}`,
      );
    expect(await fields('')).toEqual([]);
    expect(await fields(', output_to_context: {x: "{{ file }}"}')).toEqual([
      'unknown-name: nothing is called "file" here. Use `context`, `input` and `output`; the item of a foreach is seen in `input` and `key` alone.',
    ]);
    expect(
      await kids(
        'machine: kid, input: {a: "{{ item }}", b: "{% for x in input.xs %}{{ x }}{{ loop.index }}{% endfor %}"}',
      ),
    ).toEqual([
      'unknown-name: nothing is called "item" here. Use `context`, `input` and `output`; the item of a foreach is seen in `input` and `key` alone.',
    ]);
    expect(await kids('machine: kid, input: {a: "{{ contxt.b }}"}')).toEqual([
      'unknown-name: nothing is called "contxt" here. did you mean "context"?',
    ]);
  });

  it('keys that tools and unknown hooks may write', async () => {
    const read = (more: string, options?: LintOptions) =>
      all(`agents: {w: {type: mine}}\n${more}  done: {type: final, output: {a: context.found}}`, options);
    const loop = (value: string) =>
      `states:\n  start: {agent: w, tool_loop: ${value}, transitions: [{to: done}]}\n`;
    expect(await read(loop('true'))).toEqual([]);
    expect(await read(loop('{max_turns: 3}'))).toEqual([]);
    expect(await read(loop('false'))).toHaveLength(1);
    const knownHooks = new Map([
      ['logging', []],
      ['theirs', null],
    ]);
    expect(await read(`hooks: theirs\n${loop('false')}`, { knownHooks })).toEqual([]);
    expect(await read(`hooks: logging\n${loop('false')}`, { knownHooks })).toHaveLength(1);
    expect(await read(loop('false'), { callerHooks: true })).toEqual([]);
  });

  it('output where there is some', async () => {
    const reads = ', output_to_context: {a: output, b: "{{ output.x }}"}';
    expect((await kids(`launch: kid${reads}`)).map((each) => each.split(':')[0])).toEqual([
      'no-output',
      'no-output',
    ]);
    expect(await kids(`launch: kid, machine: two${reads}`)).toEqual([]);
    expect(await kids(`wait_for: x${reads}`)).toEqual([]);
    expect(await kids('launch: kid, output_to_context: {a: 1}')).toEqual([]);
  });
});

describe('whatever a file holds', () => {
  it('is linted without a throw, and compiles when nothing is wrong', async () => {
    const bases = await Promise.all(
      ['1.0', '4.2'].map((version) => loadMachineFile(join(VERSIONS, version, 'machine.yml'))),
    );
    const json = fc.oneof(
      fc.constantFrom<JsonValue>(
        null,
        0,
        1,
        -1,
        '',
        'start',
        '{{ item.x }}',
        '{{ 1 +',
        './machine.yml',
        true,
        [],
        {},
      ),
      fc.constantFrom<JsonValue>(
        [null],
        [[]],
        { a: null },
        { data: 1 },
        { type: 5 },
        { spec: 'flatagent' },
        { path: 3 },
      ),
      fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
    );
    const change = fc.tuple(fc.noBias(fc.nat()), json);
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (which, changes) => {
          const base = bases[which] as LoadedMachine;
          const config = structuredClone(base.config) as JsonObject;
          // A copy: the same value may be generated again, and put into itself.
          for (const [place, value] of changes) replace(config, place, structuredClone(value));
          const loaded = await loadMachineObject(config, { dir: base.dir });
          const { found } = await lintTree(loaded, {
            knownAgentTypes: ['flatagent'],
            knownExecutionTypes: [],
          });
          if (found.some(({ severity }) => severity === 'error')) return;
          sound++;
          machineGraph(await compileMachine(loaded));
        },
      ),
      { numRuns: 250 },
    );
    expect(sound).toBeGreaterThan(3);
  });
});

/** Puts a value at one of the places of a configuration, picked by number. */
function replace(config: JsonObject, pick: number, value: JsonValue): void {
  const places: [JsonObject | JsonValue[], string][] = [];
  const walk = (node: JsonValue): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node, key]);
      walk((node as JsonObject)[key] as JsonValue);
    }
  };
  walk(config);
  const [node, key] = places[pick % places.length] as (typeof places)[number];
  (node as JsonObject)[key] = value;
}

describe('suggestions', () => {
  it('measure edits, swaps of neighbours among them', () => {
    expect(distance('review', 'reveiw', 9)).toBe(1);
    expect(distance('kitten', 'sitting', 9)).toBe(3);
    expect(distance('', 'abc', 9)).toBe(3);
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, fc.nat(8), (a, b, bound) => {
        const exact = distance(a, b, 100);
        expect(distance(b, a, 100)).toBe(exact);
        expect(exact === 0).toBe(a === b);
        expect(exact).toBeLessThanOrEqual(Math.max(a.length, b.length));
        const bounded = distance(a, b, bound);
        expect(exact <= bound ? bounded === exact : bounded > bound).toBe(true);
      }),
    );
  });
});

describe('a finding in writing', () => {
  it('is one line for machines, and shows the place for people', async () => {
    const loaded = await load(machine(`states:\n  start: {\ttransitions: [{to: dnoe}]}\n${DONE}`));
    const [finding] = lintMachine(loaded);
    const line = formatDiagnostic(finding!);
    expect(line).toBe(
      `${loaded.file}:5:33  error unknown-target  a transition of state "start" leads to "dnoe", which is no state  did you mean "done"?`,
    );
    const pretty = formatDiagnostic(finding!, { pretty: true, source: loaded.source }).split('\n');
    expect(pretty[0]).toBe(line);
    expect(pretty[1]).toBe(' 5 |     start: {\ttransitions: [{to: dnoe}]}');
    expect(pretty[2]).toBe(`   | ${' '.repeat(12)}\t${' '.repeat(19)}^`);
  });

  it('cuts a long line around the place', () => {
    const location = { file: 'x', line: 1, column: 5001 };
    const finding = { code: 'wrong-type', severity: 'error', message: 'm', remedy: 'r', location } as const;
    const [, text, caret] = formatDiagnostic(finding, {
      pretty: true,
      source: `${'a'.repeat(5000)}X${'b'.repeat(5000)}`,
    }).split('\n');
    expect(text?.length).toBeLessThan(120);
    expect(text?.[caret?.indexOf('^') as number]).toBe('X');
  });
});

describe('speed', () => {
  const big = (count: number, broken = false): string => {
    const state = (i: number): string =>
      `  s${i}:\n    action: work\n    input: {name: "Hello {{ context.n }}", q: context.n}\n    output_to_context: {n: "{{ context.n + 1 }}"}\n    transitions:\n      - {condition: "context.n > ${i}", to: s${broken ? `x${i}` : i + 1}}\n      - {to: done}`;
    return machine(
      `hooks: work\ncontext: {n: 0}\nstates:\n${Array.from({ length: count }, (_, i) => state(i)).join('\n')}\n  s${count}: {transitions: [{to: done}]}\n${DONE}`,
    );
  };

  it('lints 1,000 states in a fresh process in little more than it takes to parse them', () => {
    const dir = scratch();
    writeFileSync(join(dir, 'big.yml'), big(1000));
    const lintMs = freshProcess(
      dir,
      'lint.mjs',
      `import { loadMachineFile, lintMachine } from './src/machine/index.ts';
      const start = performance.now();
      if (lintMachine(await loadMachineFile(process.argv[2])).length > 0) throw new Error('findings');
      process.stdout.write(String(performance.now() - start));`,
    );
    const parseMs = freshProcess(
      dir,
      'parse.mjs',
      `import { readFileSync } from 'node:fs';
      import { LineCounter, parseDocument } from 'yaml';
      const start = performance.now();
      parseDocument(readFileSync(process.argv[2], 'utf8'), { lineCounter: new LineCounter(), uniqueKeys: false });
      process.stdout.write(String(performance.now() - start));`,
    );
    const runs = [1, 2, 3].map(() => [lintMs(), parseMs()] as const);
    const lintBest = Math.min(...runs.map(([ms]) => ms));
    const parseBest = Math.min(...runs.map(([, ms]) => ms));
    console.log(
      `1,000 states cold: load and lint ${lintBest.toFixed(0)} ms (target 500), the YAML parser alone ${parseBest.toFixed(0)} ms`,
    );
    expect(lintBest / parseBest).toBeLessThan(2.5);
  });

  it('grows in line with the file, broken ones too', async () => {
    const time = async (text: string): Promise<number> => {
      const loaded = await load(text);
      const start = performance.now();
      lintMachine(loaded);
      return performance.now() - start;
    };
    for (const broken of [false, true]) {
      await time(big(500, broken));
      const small = Math.min(await time(big(500, broken)), await time(big(500, broken)));
      const large = await time(big(4000, broken));
      expect(large / Math.max(small, 5), `broken: ${broken}`).toBeLessThan(30);
    }
  });
});

/** Bundles a program as it would ship; what comes back runs it in a process of its own and gives the milliseconds that it prints. */
function freshProcess(dir: string, name: string, entry: string): () => number {
  const bundle = join(dir, name);
  const banner = "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);";
  buildSync({
    stdin: { contents: entry, resolveDir: join(import.meta.dirname, '../..'), sourcefile: 'entry.ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['re2js', '@marcbachmann/cel-js'],
    outfile: bundle,
    banner: { js: banner },
  });
  return () => Number(execFileSync(process.execPath, [bundle, join(dir, 'big.yml')], { encoding: 'utf8' }));
}
