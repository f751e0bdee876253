import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { layoutGraph } from '../../src/machine/graph-layout.ts';
import { compileMachine, loadMachineObject, machineGraph, renderGraph } from '../../src/machine/index.ts';
import type { JsonObject } from '../../src/types.ts';
import { load, machine } from './helpers.ts';

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
      { id: 'start', initial: true, final: false, work: 'action: work' },
      { id: 'slow', initial: false, final: false, work: '' },
      { id: 'bad', initial: false, final: true, work: '' },
      { id: 'end', initial: false, final: true, work: '' },
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
    for (const one of text.trimEnd().split('\n').slice(4, -1)) {
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
    expect(xmlTexts(renderGraph({ name: 'none', nodes: [], edges: [] }, 'svg'))).toContain('none');
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
    const nodes = ids.map((id, i) => ({ id, initial: i === 0, final: false, work: '' }));
    const start = performance.now();
    const layout = layoutGraph({ name: 'big', nodes, edges }, () => ({ width: 80, height: 30 }));
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
