import type { MachineGraph } from './graph.ts';
import { renderDot } from './graph-dot.ts';
import { renderMermaid } from './graph-mermaid.ts';
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
