import type { ExecutionEvent } from '../../events.ts';

/** Shows a run while it goes on, on stderr. None of its methods throws. */
export interface View {
  event(event: ExecutionEvent): void;
  /** Something to tell that is no event, e.g. that it is stopping. */
  notice(text: string): void;
  /** The last picture. Idempotent. */
  close(): void;
}

/** Shows notices alone: `--quiet`. */
export function quietView(write: (text: string) => void): View {
  return { event: () => {}, notice: (text) => write(`${text}\n`), close: () => {} };
}
