import { jsonText } from './text.ts';
import type { View } from './view.ts';

/** One event per line as JSON, as it happens: `--json`. */
export function jsonView(write: (text: string) => void): View {
  const line = (value: unknown) => write(`${jsonText(value)}\n`);
  return {
    event: line,
    notice: (message) => line({ type: 'notice', time: new Date().toISOString(), message }),
    close: () => {},
  };
}
