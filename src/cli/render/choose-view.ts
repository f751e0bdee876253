import { stderr } from '../io.ts';
import { jsonView } from './json.ts';
import { linesView } from './lines.ts';
import { treeView } from './tree.ts';
import { quietView, type View } from './view.ts';

/** How a run is to be shown; at most one is set. */
export interface ViewChoice {
  watch?: boolean;
  json?: boolean;
  quiet?: boolean;
}

/** The view that was asked for; without a choice the tree on a terminal and lines elsewhere. */
export function chooseView({ watch, json, quiet }: ViewChoice): View {
  const write = (text: string) => stderr.write(text);
  if (quiet === true) return quietView(write);
  if (json === true) return jsonView(write);
  const { stream } = stderr;
  const canDraw = process.env.TERM !== 'dumb' && (stream.isTTY || watch === true);
  if (!canDraw) return linesView(write);
  return treeView({
    write,
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  });
}
