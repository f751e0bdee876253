import { edgeText, type MachineGraph } from './graph.ts';
import { renderSvg } from './graph-svg.ts';

/** The forms a graph can be written in. */
export const GRAPH_FORMATS = ['mermaid', 'dot', 'json', 'svg'] as const;

/** One of {@link GRAPH_FORMATS}. */
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

const RENDERERS: Readonly<Record<GraphFormat, (graph: MachineGraph) => string>> = {
  mermaid: renderMermaid,
  dot: renderDot,
  json: (graph) => `${JSON.stringify(graph, null, 2)}\n`,
  svg: renderSvg,
};

/** The graph as text: a Mermaid `stateDiagram-v2`, a Graphviz digraph, JSON, or an SVG image. Ends in a newline. */
export function renderGraph(graph: MachineGraph, format: GraphFormat): string {
  return RENDERERS[format](graph);
}

function renderMermaid(graph: MachineGraph): string {
  const ids = new Map(graph.nodes.map((node, i) => [node.id, `s${i}`]));
  const lines = ['stateDiagram-v2'];
  for (const node of graph.nodes) {
    const text = node.work === '' ? node.id : `${node.id}\n${node.work}`;
    lines.push(`  state "${mermaidText(text)}" as ${ids.get(node.id)}`);
  }
  for (const node of graph.nodes) if (node.initial) lines.push(`  [*] --> ${ids.get(node.id)}`);
  for (const edge of graph.edges) {
    const text = mermaidText(edgeText(edge));
    lines.push(`  ${ids.get(edge.from)} --> ${ids.get(edge.to)}${text === '' ? '' : ` : ${text}`}`);
  }
  for (const node of graph.nodes) if (node.final) lines.push(`  ${ids.get(node.id)} --> [*]`);
  return `${lines.join('\n')}\n`;
}

/** Mermaid reads `#59;` as the character 59: all that has a meaning of its own is written so. */
function mermaidText(text: string): string {
  return text
    .replace(/\s+/g, (blank) => (blank.includes('\n') ? '\n' : ' '))
    .trim()
    .replace(/["#;:<>{}[\]()%&`\\*~|$]/g, (character) => `#${character.charCodeAt(0)};`)
    .replaceAll('\n', '<br/>');
}

function renderDot(graph: MachineGraph): string {
  const lines = [`digraph ${dotText(graph.name)} {`, '  rankdir=TB;', '  node [shape=box, style=rounded];'];
  if (graph.nodes.some((node) => node.initial)) lines.push('  "" [shape=point];');
  for (const node of graph.nodes) {
    const label = node.work === '' ? node.id : `${node.id}\n${node.work}`;
    const shape = node.final ? ', peripheries=2' : '';
    lines.push(`  ${dotText(`s:${node.id}`)} [label=${dotText(label)}${shape}];`);
    if (node.initial) lines.push(`  "" -> ${dotText(`s:${node.id}`)};`);
  }
  for (const edge of graph.edges) {
    const style = edge.kind === 'error' ? ', style=dashed' : '';
    lines.push(
      `  ${dotText(`s:${edge.from}`)} -> ${dotText(`s:${edge.to}`)} [label=${dotText(edgeText(edge))}${style}];`,
    );
  }
  return `${lines.join('\n')}\n}\n`;
}

function dotText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replace(/\r?\n/g, '\\n')}"`;
}
