import type { Command } from 'commander';
import type { BackendSet } from '../backends/interfaces.ts';
import type { ExecutionEvent } from '../events.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import { keepStdoutClean } from './clean-stdout.ts';
import { epilogue } from './epilogue.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from './exit-codes.ts';
import { interruptSignal } from './interrupt.ts';
import { stderr, writeJson } from './io.ts';
import { chooseView, type ViewChoice } from './render/choose-view.ts';
import { waitsBelow } from './waits.ts';

/** Adds the options that say how a run is shown. */
export function addViewOptions(command: Command): Command {
  return command
    .option('--watch', 'draw a live tree on stderr (default on a terminal)')
    .option('--json', 'print each event as one line of JSON on stderr')
    .option('--quiet', 'print nothing on stderr but what went wrong');
}

/** What a run is given by the command line. */
export interface Conducted {
  signal: AbortSignal;
  onEvent: ((event: ExecutionEvent) => void) | undefined;
  onWarning: (message: string) => void;
  /** Shows what the execution came to, at once. What it launched may go on. */
  conclude(result: ExecutionResult, backends: BackendSet): Promise<void>;
  /** Waits for what goes on after {@link conclude}, and says so if that takes a while. */
  settle(rest: Promise<void>): Promise<void>;
}

/** How long what was launched may go on before a person is told what the process still does, milliseconds. */
const SETTLE_MS = 200;

/**
 * Runs or resumes an execution before the eyes of a person: shows it, listens for signals, prints the result on stdout, and how to go on
 * on stderr. @returns the exit code, that of the execution
 */
export async function conduct(
  choice: ViewChoice,
  work: (conducted: Conducted) => Promise<void>,
): Promise<ExitCode> {
  const view = chooseView(choice);
  const signal = interruptSignal(() =>
    view.notice('stopping at the next safe point; a second signal ends it at once'),
  );
  keepStdoutClean(view);
  let code: ExitCode = EXIT.failed;
  try {
    await work({
      signal,
      onEvent: choice.quiet === true ? undefined : (event) => view.event(event),
      onWarning: (message) => view.notice(`warning: ${message}`),
      conclude: async (result, backends) => {
        view.close();
        code = exitCodeOfStatus(result.status);
        const waits = result.status === 'waiting' ? await waitsBelow(backends, result.execution_id) : [];
        if (choice.json !== true) stderr.write(epilogue(result, backends.url, waits, choice.quiet === true));
        if (result.status === 'completed') writeJson(result.output);
      },
      settle: async (rest) => {
        const timer = setTimeout(() => {
          if (choice.quiet !== true) {
            view.notice('what it launched still runs; Ctrl-C stops that at its next safe point');
          }
        }, SETTLE_MS);
        await rest.finally(() => clearTimeout(timer));
      },
    });
  } finally {
    view.close();
  }
  return code;
}
