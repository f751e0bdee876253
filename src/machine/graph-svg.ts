import {
  childText,
  edgeText,
  type GraphCall,
  type GraphChild,
  type GraphEdge,
  type GraphNode,
  type MachineGraph,
} from './graph.ts';
import { layoutGraph, type PlacedEdge, type PlacedNode } from './graph-layout.ts';

const CHARACTER = 7.3;
const LINE = 16;
const LABEL_LENGTH = 40;

/** A label and where it stands. */
interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** A piece of the image, with its upper left corner at 0 0. Pixels. */
interface Picture {
  readonly body: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** Room around what stands in a frame, and between frames. */
const PAD = 16;

/** Frames of children stand in rows of at least this width. */
const ROW = 1200;

/**
 * The graph as an SVG image of its own. The initial state has a dot and an arrow, final ones a double border, errors a dashed line;
 * children stand in frames below the machine that runs them, with a dotted arrow from the state that does.
 */
export function renderSvg(graph: MachineGraph): string {
  const { body, width, height } = drawMachine(graph);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${xml(graph.name)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function drawMachine(graph: MachineGraph): Picture {
  const texts = new Map(
    graph.nodes.map((node) => [node.id, [node.id, ...(node.work === '' ? [] : [node.work])].map(shorten)]),
  );
  const layout = layoutGraph({ ...graph, edges: joinParallel(graph.edges) }, (id) =>
    boxSize(texts.get(id) ?? []),
  );
  const labels = placeLabels(layout.edges);
  const nodes = graph.nodes.flatMap((node) =>
    renderNode(node, layout.nodes.get(node.id) as PlacedNode, texts.get(node.id) ?? []),
  );
  const reach = labels.map(({ text, x }): Point => {
    const half = (shorten(text).length * CHARACTER) / 2 + 8;
    return [x - half, x + half];
  });
  const left = Math.floor(Math.min(0, ...reach.map(([from]) => from)));
  const own = Math.ceil(Math.max(layout.width, ...reach.map(([, to]) => to)) - left);
  const frames = placeFrames(graph, left, Math.ceil(layout.height), Math.max(own, ROW));
  const calls = graph.calls.flatMap((call) => drawCall(call, layout.nodes, frames));
  const width = Math.max(own, ...frames.map(({ x, picture }) => x - left + picture.width + PAD));
  const height = Math.max(
    Math.ceil(layout.height),
    ...frames.map(({ y, picture }) => y + picture.height + PAD),
  );
  const body = [
    ...layout.edges.map(({ edge, points }) => `<path class="arrow ${edge.kind}" d="${curve(points)}"/>`),
    ...calls.map(({ arrow }) => arrow),
    ...nodes,
    ...frames.flatMap(({ x, y, picture }) => shifted(picture.body, x, y)),
    ...[...labels, ...calls.flatMap(({ label }) => label)].map(renderLabel),
  ];
  return { body: left === 0 ? body : shifted(body, -left, 0), width, height };
}

function shifted(body: readonly string[], x: number, y: number): string[] {
  return [`<g transform="translate(${round(x)} ${round(y)})">`, ...body, '</g>'];
}

/** A child in its place. */
interface Frame {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly picture: Picture;
}

/** Side by side below the states, in rows no wider than `room`. */
function placeFrames(graph: MachineGraph, left: number, top: number, room: number): Frame[] {
  let x = PAD;
  let y = top;
  let row = 0;
  return graph.children.map((child) => {
    const picture = drawFrame(child);
    if (x > PAD && x + picture.width > room) {
      x = PAD;
      y += row + 2 * PAD;
      row = 0;
    }
    const frame = { name: child.name, x: x + left, y, picture };
    x += picture.width + PAD;
    row = Math.max(row, picture.height);
    return frame;
  });
}

function drawFrame(child: GraphChild): Picture {
  const title = shorten(childText(child));
  const inner = 'graph' in child && child.graph.nodes.length > 0 ? drawMachine(child.graph) : null;
  const width = Math.ceil(Math.max(inner?.width ?? 0, title.length * CHARACTER) + 2 * PAD);
  const height = (inner?.height ?? 0) + LINE + PAD;
  return {
    body: [
      `<g class="child"><title>${xml(childText(child))}</title><rect${inner === null ? ' class="elsewhere"' : ''} width="${width}" height="${height}" rx="4"/>`,
      `<text x="${width / 2}" y="${LINE + 4}">${xml(title)}</text></g>`,
      ...(inner === null ? [] : shifted(inner.body, PAD, LINE + PAD)),
    ],
    width,
    height,
  };
}

function drawCall(
  call: GraphCall,
  nodes: ReadonlyMap<string, PlacedNode>,
  frames: readonly Frame[],
): { arrow: string; label: Label[] }[] {
  const from = nodes.get(call.from);
  const to = frames.find(({ name }) => name === call.to);
  if (from === undefined || to === undefined) return [];
  const start: Point = [from.x - from.width / 4, from.y + from.height / 2];
  const end: Point = [to.x + to.picture.width / 2, to.y];
  const label = call.label === null ? [] : [{ text: call.label, x: start[0], y: start[1] + LINE }];
  return [{ arrow: `<path class="arrow call" d="${curve([start, end])}"/>`, label }];
}

function boxSize(texts: readonly string[]): { width: number; height: number } {
  const longest = Math.max(0, ...texts.map((text) => text.length));
  return { width: Math.max(72, longest * CHARACTER + 24), height: texts.length * LINE + 16 };
}

/** Arrows of one kind between the same two states become one, with all their labels. */
function joinParallel(edges: readonly GraphEdge[]): GraphEdge[] {
  const joined = new Map<string, GraphEdge & { label: string }>();
  for (const edge of edges) {
    const key = JSON.stringify([edge.from, edge.to, edge.kind]);
    const other = joined.get(key);
    const label = edgeText(edge);
    joined.set(key, { ...edge, label: other ? `${other.label || 'always'} | ${label || 'else'}` : label });
  }
  return [...joined.values()];
}

/** Labels stand in the first stretch of their arrow; those of one state at different heights. */
function placeLabels(edges: readonly PlacedEdge[]): Label[] {
  const count = new Map<string, number>();
  return edges.flatMap(({ edge, points }) => {
    const text = edge.label ?? '';
    if (text === '') return [];
    const index = count.get(edge.from) ?? 0;
    count.set(edge.from, index + 1);
    const [[fromX, fromY], [toX, toY]] = points as [Point, Point];
    const along = 0.2 + 0.2 * (index % 4);
    return [{ text, x: fromX + (toX - fromX) * along, y: fromY + (toY - fromY) * along + 4 }];
  });
}

function renderLabel({ text, x, y }: Label): string {
  return `<text class="label" x="${round(x)}" y="${round(y)}"><title>${xml(text)}</title>${xml(shorten(text))}</text>`;
}

function renderNode(
  node: GraphNode,
  { x, y, width, height }: PlacedNode,
  texts: readonly string[],
): string[] {
  const top = y - height / 2;
  const box = (inset: number): string =>
    `<rect x="${round(x - width / 2 + inset)}" y="${round(top + inset)}" width="${round(width - 2 * inset)}" height="${round(height - 2 * inset)}" rx="8"/>`;
  const lines = texts.map((text, i) => {
    const baseline = y + (i - (texts.length - 1) / 2) * LINE + 5;
    return `<text x="${round(x)}" y="${round(baseline)}"${i > 0 ? ' class="work"' : ''}>${xml(text)}</text>`;
  });
  const start = node.initial
    ? [
        `<circle cx="${round(x)}" cy="${round(top - 22)}" r="5"/><path class="arrow" d="M${round(x)} ${round(top - 17)}V${round(top)}"/>`,
      ]
    : [];
  return [
    `<g class="${['state', ...node.marks].join(' ')}"><title>${xml(node.id)}</title>${box(0)}${node.final ? box(4) : ''}`,
    ...lines,
    '</g>',
    ...start,
  ];
}

const STYLE = [
  'text{font:12px ui-monospace,monospace;text-anchor:middle;fill:#222}',
  '.work{font-size:11px;fill:#666}',
  '.label{font-size:11px;fill:#555;paint-order:stroke;stroke:#fff;stroke-width:4px}',
  '.page{fill:#fff}',
  '.state rect{fill:#f6f8fa;fill-opacity:.9;stroke:#444}',
  '.agent rect{fill:#e8f0fe;stroke:#3367d6}',
  '.wait_for rect{fill:#fff4e5;stroke:#b06000;stroke-dasharray:4 3}',
  '.child>rect{fill:none;stroke:#888}',
  '.child>.elsewhere{stroke-dasharray:2 3}',
  '.call{stroke-dasharray:1 3}',
  '.arrow{fill:none;stroke:#666;marker-end:url(#tip)}',
  '.error{stroke:#b33;stroke-dasharray:5 4}',
].join('');

type Point = readonly [x: number, y: number];

/** A smooth line through the points, upright at both ends. */
function curve(points: readonly Point[]): string {
  const [start, ...rest] = points as [Point, ...Point[]];
  let d = `M${round(start[0])} ${round(start[1])}`;
  let [x, y] = start;
  for (const [toX, toY] of rest) {
    const bend = (toY - y) / 2;
    d += `C${round(x)} ${round(y + bend)} ${round(toX)} ${round(toY - bend)} ${round(toX)} ${round(toY)}`;
    [x, y] = [toX, toY];
  }
  return d;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LABEL_LENGTH ? `${line.slice(0, LABEL_LENGTH - 1)}…` : line;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Text for XML; characters that XML cannot hold at all become U+FFFD. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r -\ufffd]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
