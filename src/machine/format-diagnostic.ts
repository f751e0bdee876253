import { formatLocation } from '../errors.ts';
import type { Diagnostic } from './interfaces.ts';

/** How to write a finding out. */
export interface FormatOptions {
  /** With the line of the file and a caret below it; needs `source`. Default: one line. */
  pretty?: boolean;
  /** The text of the file, as in `LoadedMachine.source`. */
  source?: string;
}

/** `path:line:col  error unknown-target  message  remedy`, and below it the place when `pretty`. */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  const { code, severity, message, remedy, location } = diagnostic;
  const line = `${formatLocation(location)}  ${severity} ${code}  ${message}  ${remedy}`;
  const frame = options.pretty && options.source ? codeFrame(options.source, location) : '';
  return frame === '' ? line : `${line}\n${frame}`;
}

/** Longest piece of a line that a frame shows. */
const WIDTH = 100;

function codeFrame(source: string, { line, column }: { line: number; column: number }): string {
  const text = source.split('\n', line)[line - 1]?.replace(/\r$/, '');
  if (text === undefined) return '';
  const from = Math.max(0, Math.min(column - 1 - WIDTH / 2, text.length - WIDTH));
  const shown = text.slice(from, from + WIDTH);
  const gutter = ` ${line} | `;
  // Tabs stay tabs, so that the caret stands below its character.
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  return `${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${indent}^`;
}
