import { Writable } from 'node:stream';
import type { Command } from 'commander';
import type { ExecutionEvent } from '../events.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import { absoluteUrl, defaultBackend } from '../flatmachine.ts';
import type { FailureRecord } from '../machine/snapshot.ts';
import { type ExitCode, exitCodeOfStatus } from './exit-codes.ts';
import { interruptSignal } from './interrupt.ts';
import { stderr, writeJson } from './io.ts';
import { chooseView, type ViewChoice } from './render/choose-view.ts';
import { printable } from './render/text.ts';
import type { View } from './render/view.ts';

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
}

/** What came of it, with the store it is kept in. */
export interface Conclusion {
  result: ExecutionResult;
  backendUrl: string;
}

/**
 * Runs or resumes an execution before the eyes of a person: shows it, listens for signals, prints the result on stdout, and how to go on
 * on stderr. @returns the exit code
 */
export async function conduct(
  choice: ViewChoice,
  work: (conducted: Conducted) => Promise<Conclusion>,
): Promise<ExitCode> {
  const view = chooseView(choice);
  const signal = interruptSignal(() =>
    view.notice('stopping at the next safe point; a second signal ends it at once'),
  );
  keepStdoutClean(view);
  let conclusion: Conclusion;
  try {
    conclusion = await work({
      signal,
      onEvent: choice.quiet === true ? undefined : (event) => view.event(event),
      onWarning: (message) => view.notice(`warning: ${message}`),
    });
  } finally {
    view.close();
  }
  const { result, backendUrl } = conclusion;
  if (choice.json !== true) stderr.write(epilogue(result, backendUrl, choice.quiet === true));
  if (result.status === 'completed') writeJson(result.output);
  return exitCodeOfStatus(result.status);
}

/** Hooks may use `console`; what they print there is for people. Made when one does. */
function keepStdoutClean(view: View): void {
  const { console } = globalThis;
  let replaced: Console | null = null;
  const replace = () => {
    const toView = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        view.notice(String(chunk).replace(/\n$/, ''));
        done();
      },
    });
    return new console.Console({ stdout: toView, stderr: toView });
  };
  Object.defineProperty(globalThis, 'console', {
    configurable: true,
    get: () => {
      replaced ??= replace();
      return replaced;
    },
    set: (value: Console) => {
      replaced = value;
    },
  });
}

function epilogue(result: ExecutionResult, backendUrl: string, quiet: boolean): string {
  const { execution_id: id, status, state, step, error } = result;
  if (status === 'completed') return quiet ? '' : `completed  ${id}  ${steps(step)}\n`;
  const lines =
    error === null ? [`${status}  ${id}  at state ${printable(state)}, ${steps(step)}`] : failure(error);
  if (status !== 'cancelled') lines.push(goOn(id, backendUrl));
  return `${lines.join('\n')}\n`;
}

function failure(error: FailureRecord): string[] {
  return [
    `error: ${error.error_type} in state ${printable(error.state)} (step ${error.step}): ${printable(error.message)}`,
    ...error.causes.map((cause) => `  caused by: ${printable(cause)}`),
  ];
}

function goOn(id: string, backendUrl: string): string {
  if (/^memory\b/.test(backendUrl)) return '  the memory backend keeps nothing: it cannot be resumed';
  const isDefault = backendUrl === absoluteUrl(defaultBackend(), process.cwd());
  return `  → flatmachine resume ${id}${isDefault ? '' : ` --backend ${shellWord(backendUrl)}`}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function steps(count: number): string {
  return count === 1 ? '1 step' : `${count} steps`;
}
