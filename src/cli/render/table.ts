import { clip, pad, textWidth } from './text.ts';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers are set to the right. */
  readonly right?: boolean;
  /** The widest it may be; absent = as wide as needed. */
  readonly max?: number;
}

/** Rows of safe one-line texts as an aligned table with a line of titles, ending in a newline. No trailing spaces. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) =>
    row.map((cell, i) => clip(cell, columns[i]?.max ?? Number.POSITIVE_INFINITY)),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => textWidth(row[i] ?? ''))));
  const lines = cells.map((row) => row.map((cell, i) => align(cell, widths[i] ?? 0, columns[i])).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function align(cell: string, width: number, column: Column | undefined): string {
  return column?.right === true ? ' '.repeat(Math.max(0, width - textWidth(cell))) + cell : pad(cell, width);
}
