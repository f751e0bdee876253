import { childText, edgeText, type GraphNode, type MachineGraph } from './graph.ts';

/** Where an arrow to a machine ends: at a state in it, cut off at the border of its cluster. */
interface Anchor {
  readonly node: string;
  readonly cluster: string | null;
}

/** The graph as a Graphviz digraph; children are clusters. */
export function renderDot(graph: MachineGraph): string {
  const lines = [
    `digraph ${dotText(graph.name)} {`,
    '  rankdir=TB;',
    '  compound=true;',
    '  node [shape=box, style=rounded];',
  ];
  drawMachine(graph, '', '  ', lines);
  return `${lines.join('\n')}\n}\n`;
}

/** @param key tells the machine from others; empty for the root */
function drawMachine(graph: MachineGraph, key: string, indent: string, lines: string[]): void {
  const id = (state: string): string => dotText(`s${key}:${state}`);
  const start = dotText(key === '' ? '' : `start${key}`);
  if (graph.nodes.some((node) => node.initial)) lines.push(`${indent}${start} [shape=point];`);
  for (const node of graph.nodes) {
    lines.push(`${indent}${id(node.id)} [${nodeFacts(node)}];`);
    if (node.initial) lines.push(`${indent}${start} -> ${id(node.id)};`);
  }
  const anchors = new Map<string, Anchor>();
  graph.children.forEach((child, i) => {
    const inner = `${key}.${i}`;
    const label = dotText(childText(child));
    const first = 'graph' in child ? child.graph.nodes.find((node) => node.initial) : undefined;
    if (!('graph' in child) || first === undefined) {
      const node = dotText(`machine${inner}`);
      lines.push(`${indent}${node} [label=${label}, shape=component, style=dashed];`);
      anchors.set(child.name, { node, cluster: null });
      return;
    }
    const cluster = dotText(`cluster${inner}`);
    lines.push(`${indent}subgraph ${cluster} {`, `${indent}  label=${label};`);
    drawMachine(child.graph, inner, `${indent}  `, lines);
    lines.push(`${indent}}`);
    anchors.set(child.name, { node: dotText(`s${inner}:${first.id}`), cluster });
  });
  for (const edge of graph.edges) {
    const style = edge.kind === 'error' ? ', style=dashed' : '';
    lines.push(`${indent}${id(edge.from)} -> ${id(edge.to)} [label=${dotText(edgeText(edge))}${style}];`);
  }
  for (const { from, to, label } of graph.calls) {
    const { node, cluster } = anchors.get(to) as Anchor;
    const head = cluster === null ? '' : `, lhead=${cluster}`;
    lines.push(
      `${indent}${id(from)} -> ${node} [label=${dotText(label ?? 'run')}, style=dotted, arrowhead=empty${head}];`,
    );
  }
}

function nodeFacts(node: GraphNode): string {
  const facts = [`label=${dotText(node.work === '' ? node.id : `${node.id}\n${node.work}`)}`];
  if (node.final) facts.push('peripheries=2');
  if (node.marks.includes('wait_for')) facts.push('style="rounded,dashed"');
  else if (node.marks.includes('agent')) facts.push('style="rounded,filled"', 'fillcolor="#e8f0fe"');
  return facts.join(', ');
}

function dotText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replace(/\r?\n/g, '\\n')}"`;
}
