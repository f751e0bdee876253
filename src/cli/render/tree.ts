import { describeCounts } from '../count-children.ts';
import { Children } from './children.ts';
import { Progress, type Visit } from './progress.ts';
import { type Style, styles, wantsColour } from './style.ts';
import { clip, formatSpan, oneLine, pad, printable, textWidth } from './text.ts';
import type { View } from './view.ts';

/** At most this often the picture is drawn, milliseconds. */
const FRAME_MS = 100;

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** While a frame is written, lines that turn out wider than thought are cut by the terminal rather than wrapped. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const ERASE_LINE = '\x1b[K';
const ERASE_BELOW = '\x1b[J';

/** A terminal as the tree needs it. */
export interface Terminal {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly isTTY?: boolean;
}

/** A line of the picture: its text, and the colour to give it once it has been cut. */
interface Line {
  text: string;
  paint?: (text: string) => string;
}

/**
 * The live picture of a run on a terminal: what it is, the states it went through, what runs now. Drawn over itself, never larger than
 * the terminal, and left standing at the end. The cursor comes back however the process ends.
 */
export function treeView(terminal: Terminal, clock: () => number = Date.now): View {
  const progress = new Progress();
  const children = new Children();
  let root = '';
  const style = styles(wantsColour(terminal));
  let drawn: number[] = [];
  let last = '';
  let closed = false;
  let dirty = true;
  let second = 0;

  const draw = (force: boolean) => {
    const now = clock();
    if (!force && !dirty && Math.floor(now / 1000) === second) return;
    dirty = false;
    second = Math.floor(now / 1000);
    const columns = Math.max(20, terminal.columns || 80);
    const rows = Math.max(4, terminal.rows || 24);
    const lines = frame(progress, children, { columns: columns - 1, rows: rows - 1, now, style });
    const picture = lines.map(({ text, paint }) => (paint ? paint(text) : text));
    const body = picture.map((line) => `${line}${ERASE_LINE}\n`).join('');
    if (body === last && !force) return;
    last = body;
    terminal.write(`${HIDE_CURSOR}${NO_WRAP}${upOver(drawn, columns)}${body}${ERASE_BELOW}${WRAP}`);
    drawn = lines.map(({ text }) => textWidth(text));
  };

  const restore = () => {
    terminal.write(`${WRAP}${SHOW_CURSOR}`);
  };
  process.once('exit', restore);
  const timer = setInterval(() => draw(false), FRAME_MS);
  timer.unref();

  return {
    event: (event) => {
      if (progress.executionId === '' || event.execution_id === root) {
        root = event.execution_id;
        progress.apply(event);
      }
      children.apply(event);
      dirty = true;
    },
    notice: (text) => {
      // What was drawn stays above; the picture goes on below the notice.
      terminal.write(`${upOver(drawn, terminal.columns || 80)}${ERASE_BELOW}${printable(text)}\n`);
      drawn = [];
      if (!closed) draw(true);
    },
    close: () => {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      process.off('exit', restore);
      draw(true);
      drawn = [];
      restore();
    },
  };
}

/** Back to the first line of the last picture, which a narrowed terminal may have wrapped. */
function upOver(widths: readonly number[], columns: number): string {
  const rows = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
  return rows === 0 ? '' : `\x1b[${rows}A\r`;
}

/** What a picture is drawn into. */
export interface Canvas {
  columns: number;
  rows: number;
  now: number;
  style: Style;
}

/** The lines of the picture, each within `columns`, all together within `rows`. */
export function frame(progress: Progress, children: Children, canvas: Canvas): Line[] {
  const { columns, rows, style } = canvas;
  const head: Line[] = [{ text: header(progress, canvas), paint: style.bold }];
  // However low the terminal, there is a line for what came before and one for the state under way.
  const foot = [...childLines(progress, children, canvas), ...footer(progress, style)].slice(
    0,
    Math.max(0, rows - 3),
  );
  const room = rows - head.length - foot.length;
  const hidden = progress.visits.length > room ? progress.visits.length - room + 1 : 0;
  const before = hidden + progress.forgotten;
  if (before > 0) head.push({ text: `  … ${before} earlier`, paint: style.dim });
  const shown = progress.visits.slice(hidden);
  const width = Math.min(40, Math.max(8, ...shown.map(({ state }) => textWidth(state))));
  const visits = shown.map((visit) => visitLine(visit, width, canvas));
  return [...head, ...visits, ...foot]
    .slice(0, rows)
    .map(({ text, paint }) => ({ text: clip(text, columns), ...(paint ? { paint } : {}) }));
}

function header(progress: Progress, { now }: Canvas): string {
  const { machine, executionId, resumed, slot, step, started, ended } = progress;
  const total = ended === null ? liveSpan(now - (started ?? now)) : formatSpan(ended - (started ?? ended));
  const parts = [`${machine || 'starting'}  ${executionId}`];
  if (resumed) parts.push('resumed');
  if (slot !== null) parts.push(`${slot.runner}/${slot.isolation}  slot ${slot.id}`);
  parts.push(`step ${step}`, total);
  return parts.join('  ·  ');
}

function visitLine(visit: Visit, width: number, { now, style }: Canvas): Line {
  const { started, ended } = visit;
  const took = ended === null ? liveSpan(now - started) : formatSpan(ended - started);
  const text = `${MARKS[visit.mark]} ${pad(clip(visit.state, width), width)}  ${took}`;
  const paint = { running: style.cyan, done: style.green, failed: style.red, stopped: style.yellow }[
    visit.mark
  ];
  return { text: visit.note === '' ? `  ${text}` : `  ${text}  ${visit.note}`, paint };
}

const MARKS = { running: '●', done: '✔', failed: '✖', stopped: '◌' } as const;

/** Those that run now, under their parents, in at most half of the rows; then how many there are of each status. */
function childLines(progress: Progress, children: Children, { rows, now, style }: Canvas): Line[] {
  const counts = describeCounts(children.counts);
  if (counts === '') return [];
  const most = Math.max(1, Math.floor(rows / 2));
  const lines: Line[] = [];
  for (const [id, child, depth] of children.tree(progress.executionId)) {
    if (lines.length === most) break;
    const { current, step, started, command, lastOutput, waiting } = child.progress;
    const took = started === null ? '' : liveSpan(now - started);
    const note = waiting || lastOutput || (command === '' ? '' : `$ ${command}`);
    const parts = [`${oneLine(id)} (${child.machine})`, current?.state ?? '', `step ${step}`, took, note];
    const text = `${'  '.repeat(depth + 2)}● ${parts.filter((part) => part !== '').join('  ')}`;
    lines.push({ text, paint: style.cyan });
  }
  return [...lines, { text: `    children: ${counts}`, paint: style.dim }];
}

/** What goes on is counted in whole seconds: tenths would be hard to read, and cost a drawing each. */
function liveSpan(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds}s` : formatSpan(seconds * 1000);
}

function footer(progress: Progress, style: Style): Line[] {
  const { waiting, command, lastOutput, message } = progress;
  const lines: Line[] = [];
  if (waiting !== '') lines.push({ text: `    ${waiting}`, paint: style.yellow });
  if (command !== '') lines.push({ text: `    $ ${command}`, paint: style.dim });
  if (lastOutput !== '') lines.push({ text: `    │ ${lastOutput}`, paint: style.dim });
  if (message !== '') lines.push({ text: `    ${message}`, paint: style.yellow });
  return lines;
}
