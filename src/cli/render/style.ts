/** Puts colour around text, or returns it as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** Whether a stream gets colour: a terminal that is not `dumb`, unless `NO_COLOR` is set to anything. */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(stream.isTTY) && env.TERM !== 'dumb' && !env.NO_COLOR;
}

/** The styles for a stream that gets colour, or for one that does not. */
export function styles(colour: boolean): Style {
  const wrap = (open: number, close: number) => (text: string) =>
    colour && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    green: wrap(32, 39),
    red: wrap(31, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}
