import { childText, edgeText, type GraphChild, type MachineGraph } from './graph.ts';

const STYLES: readonly string[] = [
  '  classDef agent fill:#e8f0fe,stroke:#3367d6',
  '  classDef wait_for fill:#fff4e5,stroke:#b06000,stroke-dasharray:4 3',
];

/** The graph as a Mermaid `stateDiagram-v2`; children are composite states. */
export function renderMermaid(graph: MachineGraph): string {
  const lines = ['stateDiagram-v2'];
  const marked = new Map<string, string[]>();
  drawMachine(graph, '', '  ', lines, marked);
  if (marked.size > 0) lines.push(...STYLES);
  for (const [mark, ids] of marked) lines.push(`  class ${ids.join(',')} ${mark}`);
  return `${lines.join('\n')}\n`;
}

/** @param prefix of ids inside: Mermaid has one space of names for all of them */
function drawMachine(
  graph: MachineGraph,
  prefix: string,
  indent: string,
  lines: string[],
  marked: Map<string, string[]>,
): void {
  const ids = new Map(graph.nodes.map((node, i) => [node.id, `${prefix}s${i}`]));
  const children = new Map(graph.children.map((child, i) => [child.name, `${prefix}m${i}`]));
  for (const node of graph.nodes) {
    const text = node.work === '' ? node.id : `${node.id}\n${node.work}`;
    lines.push(`${indent}state "${mermaidText(text)}" as ${ids.get(node.id)}`);
    const mark = node.marks.at(-1);
    if (mark !== undefined) marked.set(mark, [...(marked.get(mark) ?? []), String(ids.get(node.id))]);
  }
  for (const child of graph.children)
    drawChild(child, String(children.get(child.name)), indent, lines, marked);
  for (const node of graph.nodes) if (node.initial) lines.push(`${indent}[*] --> ${ids.get(node.id)}`);
  const arrow = (from: string | undefined, to: string | undefined, label: string): void => {
    const text = mermaidText(label);
    lines.push(`${indent}${from} --> ${to}${text === '' ? '' : ` : ${text}`}`);
  };
  for (const edge of graph.edges) arrow(ids.get(edge.from), ids.get(edge.to), edgeText(edge));
  for (const call of graph.calls) arrow(ids.get(call.from), children.get(call.to), call.label ?? 'run');
  for (const node of graph.nodes) if (node.final) lines.push(`${indent}${ids.get(node.id)} --> [*]`);
}

function drawChild(
  child: GraphChild,
  id: string,
  indent: string,
  lines: string[],
  marked: Map<string, string[]>,
): void {
  const state = `${indent}state "${mermaidText(childText(child))}" as ${id}`;
  if (!('graph' in child) || child.graph.nodes.length === 0) {
    lines.push(state);
    return;
  }
  lines.push(`${state} {`);
  drawMachine(child.graph, `${id}_`, `${indent}  `, lines, marked);
  lines.push(`${indent}}`);
}

/** Mermaid reads `#59;` as the character 59: all that has a meaning of its own is written so. */
function mermaidText(text: string): string {
  return text
    .replace(/\s+/g, (blank) => (blank.includes('\n') ? '\n' : ' '))
    .trim()
    .replace(/["#;:<>{}[\]()%&`\\*~|$]/g, (character) => `#${character.charCodeAt(0)};`)
    .replaceAll('\n', '<br/>');
}
