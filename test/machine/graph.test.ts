import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutGraph } from '../../src/machine/graph-layout.ts';
import {
  compileMachine,
  loadMachineFile,
  loadMachineObject,
  loadTree,
  machineGraph,
  renderGraph,
} from '../../src/machine/index.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machine, scratch } from './helpers.ts';

const FLOW = machine(`name: flow
hooks: some
states:
  start:
    action: work
    on_error: {TimeoutError: slow, default: bad}
    transitions: [{condition: "context.n > 3 and input.x == '<b>'", to: end}, {to: start}]
  slow: {transitions: [{to: end}], on_error: bad}
  bad: {type: final}
  end: {type: final}`);

type Box = Record<'x' | 'y' | 'width' | 'height', number>;

/** The rectangles of an image, in its own coordinates. */
function xmlBoxes(svg: string): Box[] {
  const script = `
import sys, json, re, xml.etree.ElementTree as e
found = []
def walk(node, x, y):
    shift = re.match(r'translate\\((\\S+) (\\S+)\\)', node.get('transform', ''))
    if shift: x, y = x + float(shift[1]), y + float(shift[2])
    if node.tag.endswith('rect'):
        at = lambda name: float(node.get(name, 0))
        found.append({'x': x + at('x'), 'y': y + at('y'), 'width': at('width'), 'height': at('height')})
    for child in node: walk(child, x, y)
walk(e.fromstring(sys.stdin.buffer.read()), 0, 0)
print(json.dumps(found))`;
  return JSON.parse(execFileSync('python3', ['-c', script], { input: svg, encoding: 'utf8' })) as Box[];
}

const HOSTILE = [
  '"',
  '<script>',
  ']]>',
  '--> x : y',
  'a\nb',
  'é 😀',
  '\u0000\u0007',
  '__proto__',
  '%%{init}%%',
  '\\',
  '#35;',
  'end',
  'note right of x',
  '[*]',
];

async function hostileGraph() {
  const states: JsonObject = {};
  for (const [i, name] of HOSTILE.entries()) {
    const to = HOSTILE[(i + 1) % HOSTILE.length] as string;
    Object.defineProperty(states, name, {
      enumerable: true,
      value: { action: name, on_error: to, transitions: [{ condition: `context.a == "${name}"`, to }] },
    });
  }
  const config = { spec: 'flatmachine', data: { name: HOSTILE.join(), states } };
  return machineGraph(await loadMachineObject(config, { dir: '/' }));
}

/** Whether Python's strict XML parser takes it; its texts. */
function xmlTexts(svg: string): string[] {
  const script =
    'import sys, json, xml.etree.ElementTree as e; print(json.dumps([t.text for t in e.fromstring(sys.stdin.buffer.read()).iter() if t.text and t.text.strip()]))';
  return JSON.parse(execFileSync('python3', ['-c', script], { input: svg, encoding: 'utf8' })) as string[];
}

describe('the graph of a machine', () => {
  it('is data', async () => {
    const loaded = await load(FLOW);
    const graph = machineGraph(loaded);
    expect(graph.name).toBe('flow');
    expect(graph.nodes).toEqual([
      { id: 'start', initial: true, final: false, work: 'action: work', marks: [] },
      { id: 'slow', initial: false, final: false, work: '', marks: [] },
      { id: 'bad', initial: false, final: true, work: '', marks: [] },
      { id: 'end', initial: false, final: true, work: '', marks: [] },
    ]);
    expect(graph.edges).toEqual([
      { from: 'start', to: 'end', kind: 'transition', label: "context.n > 3 and input.x == '<b>'" },
      { from: 'start', to: 'start', kind: 'transition', label: null },
      { from: 'start', to: 'slow', kind: 'error', label: 'TimeoutError' },
      { from: 'start', to: 'bad', kind: 'error', label: null },
      { from: 'slow', to: 'end', kind: 'transition', label: null },
      { from: 'slow', to: 'bad', kind: 'error', label: null },
    ]);
    expect(machineGraph(await compileMachine(loaded))).toEqual(graph);
  });

  it('of a broken machine is what can be made out', async () => {
    expect(machineGraph(await load('spec: [')).nodes).toEqual([]);
    const graph = machineGraph(
      await load(machine('states: {a: {transitions: [{to: nowhere}, 5, {to: 7}]}, b: 3}')),
    );
    expect(graph).toMatchObject({ nodes: [{ id: 'a' }], edges: [] });
  });

  it('is written as Mermaid, with everything that means something to it escaped', async () => {
    const text = renderGraph(machineGraph(await load(FLOW)), 'mermaid');
    expect(text).toBe(`stateDiagram-v2
  state "start<br/>action#58; work" as s0
  state "slow" as s1
  state "bad" as s2
  state "end" as s3
  [*] --> s0
  s0 --> s3 : context.n #62; 3 and input.x == '#60;b#62;'
  s0 --> s0
  s0 --> s1 : on TimeoutError
  s0 --> s2 : on error
  s1 --> s3
  s1 --> s2 : on error
  s2 --> [*]
  s3 --> [*]
`);
    const line =
      /^(stateDiagram-v2| {2}state "[^"]*" as s\d+| {2}(s\d+|\[\*\]) --> (s\d+|\[\*\])( : [^:;"<>]*(#\d+;[^:;"<>]*)*)?)$/;
    for (const one of renderGraph(await hostileGraph(), 'mermaid')
      .trimEnd()
      .split('\n')) {
      expect(one.replaceAll('<br/>', ' ')).toMatch(line);
    }
  });

  it('is written as DOT, with quotes and backslashes escaped', async () => {
    const text = renderGraph(await hostileGraph(), 'dot');
    for (const one of text.trimEnd().split('\n').slice(5, -1)) {
      expect(one).toMatch(
        /^ {2}"([^"\\]|\\.)*"( -> "([^"\\]|\\.)*")?( \[label="([^"\\]|\\.)*"(, [a-z]+=[a-z0-9]+)?\])?;$/,
      );
    }
    expect(renderGraph(machineGraph(await load(FLOW)), 'dot')).toContain(
      '"s:start" -> "s:bad" [label="on error", style=dashed];',
    );
  });

  it('is written as JSON', async () => {
    const graph = machineGraph(await load(FLOW));
    expect(JSON.parse(renderGraph(graph, 'json'))).toEqual(graph);
  });

  it('is drawn as well-formed SVG whatever the names', async () => {
    const plain = renderGraph(machineGraph(await load(FLOW)), 'svg');
    expect(xmlTexts(plain)).toEqual(
      expect.arrayContaining(['flow', 'start', 'action: work', 'on TimeoutError']),
    );
    expect(plain.match(/class="arrow error"/g)).toHaveLength(3);
    const hostile = renderGraph(await hostileGraph(), 'svg');
    expect(xmlTexts(hostile)).toEqual(expect.arrayContaining(['<script>', 'é 😀', '__proto__', ']]>']));
    expect(hostile).not.toContain('<script');
    expect(
      xmlTexts(renderGraph({ name: 'none', nodes: [], edges: [], calls: [], children: [] }, 'svg')),
    ).toContain('none');
  });

  it('lays boxes out without overlap, inside the picture, and within time', () => {
    const ids = Array.from({ length: 300 }, (_, i) => `s${i}`);
    const edges = ids.flatMap((from, i) =>
      [(i * 7 + 1) % 300, (i * 3 + 2) % 300, i + 1 < 300 ? i + 1 : 0].map((to) => ({
        from,
        to: `s${to}`,
        kind: 'transition' as const,
        label: null,
      })),
    );
    const nodes = ids.map((id, i) => ({ id, initial: i === 0, final: false, work: '', marks: [] }));
    const start = performance.now();
    const layout = layoutGraph({ nodes, edges }, () => ({ width: 80, height: 30 }));
    expect(performance.now() - start).toBeLessThan(2000);
    const boxes = [...layout.nodes.values()];
    for (const [i, a] of boxes.entries()) {
      expect(a.x - 40).toBeGreaterThanOrEqual(0);
      expect(a.x + 40).toBeLessThanOrEqual(layout.width);
      expect(a.y + 15).toBeLessThanOrEqual(layout.height);
      for (const b of boxes.slice(i + 1)) {
        expect(Math.abs(a.x - b.x) >= 80 || Math.abs(a.y - b.y) >= 30).toBe(true);
      }
    }
  });
});

/** A parent with children inline, in a file, in a circle and by two names. */
async function family() {
  const dir = scratch();
  writeFileSync(
    join(dir, 'kid.yml'),
    machine(
      'name: worker\nmachines: {boss: ./boss.yml}\nstates: {a: {machine: boss, transitions: [{to: b}]}, b: {type: final}}',
    ),
  );
  const file = join(dir, 'boss.yml');
  writeFileSync(
    file,
    machine(`name: boss
agents: {coder: {type: script}}
machines:
  kid: ./kid.yml
  twin: {path: ./kid.yml}
  small: {data: {states: {z: {type: final}}}}
  gone: ./gone.yml
states:
  start: {foreach: input.xs, machine: kid, mode: any, transitions: [{to: pair}]}
  pair: {machine: [twin, {name: small}], launch: small, transitions: [{to: ask}]}
  ask: {wait_for: "x", transitions: [{to: code}]}
  code: {agent: coder, machine: gone, transitions: [{to: done}]}
  done: {type: final}`),
  );
  return loadMachineFile(file);
}

describe('the graph of a machine with children', () => {
  it('holds each machine once, and says where the others are', async () => {
    const graph = machineGraph(await loadTree(await family()));
    expect(graph.calls).toEqual([
      { from: 'start', to: 'kid', kind: 'run', label: 'foreach, any' },
      { from: 'pair', to: 'twin', kind: 'run', label: null },
      { from: 'pair', to: 'small', kind: 'run', label: null },
      { from: 'pair', to: 'small', kind: 'launch', label: 'launch' },
      { from: 'code', to: 'gone', kind: 'run', label: null },
    ]);
    expect(graph.children).toMatchObject([
      { name: 'kid', graph: { name: 'worker', children: [{ name: 'boss', same_as: [] }] } },
      { name: 'twin', same_as: ['kid'] },
      { name: 'small', graph: { name: 'small', nodes: [{ id: 'z', final: true }] } },
      { name: 'gone', same_as: null },
    ]);
    expect(graph.nodes.map(({ marks }) => marks)).toEqual([[], [], ['wait_for'], ['agent'], []]);
    expect(JSON.parse(renderGraph(graph, 'json'))).toEqual(graph);
  });

  it('is the same when it is compiled', async () => {
    const dir = scratch();
    const file = join(dir, 'm.yml');
    writeFileSync(
      file,
      machine(
        'machines: {me: ./m.yml, k: {data: {states: {z: {type: final}}}}}\nstates: {a: {transitions: [{condition: input.x, to: b}, {to: c}]}, b: {machine: [me, k], transitions: [{to: c}]}, c: {type: final}}',
      ),
    );
    const loaded = await loadMachineFile(file);
    expect(machineGraph(await compileMachine(loaded))).toEqual(machineGraph(await loadTree(loaded)));
  });

  it('is written as composite states in Mermaid', async () => {
    const text = renderGraph(machineGraph(await loadTree(await family())), 'mermaid');
    expect(text).toBe(`stateDiagram-v2
  state "start<br/>machine#58; kid" as s0
  state "pair<br/>launch#58; small, machine#58; twin, small" as s1
  state "ask<br/>wait_for#58; x" as s2
  state "code<br/>machine#58; gone, agent#58; coder" as s3
  state "done" as s4
  state "kid#58; worker" as m0 {
    state "a<br/>machine#58; boss" as m0_s0
    state "b" as m0_s1
    state "boss #40;see the top#41;" as m0_m0
    [*] --> m0_s0
    m0_s0 --> m0_s1
    m0_s0 --> m0_m0 : run
    m0_s1 --> [*]
  }
  state "twin #40;see kid#41;" as m1
  state "small" as m2 {
    state "z" as m2_s0
    [*] --> m2_s0
    m2_s0 --> [*]
  }
  state "gone #40;elsewhere#41;" as m3
  [*] --> s0
  s0 --> s1
  s1 --> s2
  s2 --> s3
  s3 --> s4
  s0 --> m0 : foreach, any
  s1 --> m1 : run
  s1 --> m2 : run
  s1 --> m2 : launch
  s3 --> m3 : run
  s4 --> [*]
  classDef agent fill:#e8f0fe,stroke:#3367d6
  classDef wait_for fill:#fff4e5,stroke:#b06000,stroke-dasharray:4 3
  class s2 wait_for
  class s3 agent
`);
  });

  it('is written as clusters in DOT', async () => {
    const text = renderGraph(machineGraph(await loadTree(await family())), 'dot');
    expect(text).toContain('  subgraph "cluster.0" {\n    label="kid: worker";\n');
    expect(text).toContain(
      '  "s:start" -> "s.0:a" [label="foreach, any", style=dotted, arrowhead=empty, lhead="cluster.0"];',
    );
    expect(text).toContain('  "machine.1" [label="twin (see kid)", shape=component, style=dashed];');
    expect(text).toContain(
      '  "s:pair" -> "s.2:z" [label="launch", style=dotted, arrowhead=empty, lhead="cluster.2"];',
    );
    expect(text).toContain('    "s.0:a" -> "machine.0.0" [label="run", style=dotted, arrowhead=empty];');
    expect(text).toContain(
      '"s:code" [label="code\\nmachine: gone, agent: coder", style="rounded,filled", fillcolor="#e8f0fe"];',
    );
    expect(text.match(/[{}]$/gm)).toHaveLength(6);
  });

  it('is drawn as frames in SVG, all inside the picture', async () => {
    const svg = renderGraph(machineGraph(await loadTree(await family())), 'svg');
    expect(xmlTexts(svg)).toEqual(
      expect.arrayContaining(['kid: worker', 'twin (see kid)', 'boss (see the top)', 'foreach, any', 'z']),
    );
    expect(svg.match(/class="arrow call"/g)).toHaveLength(6);
    expect(svg.match(/class="state agent"/g)).toHaveLength(1);
    const [page, ...boxes] = xmlBoxes(svg) as [Box, ...Box[]];
    expect(boxes.length).toBeGreaterThan(12);
    for (const box of boxes) {
      expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(page.width);
      expect(box.y + box.height).toBeLessThanOrEqual(page.height);
    }
  });
});
