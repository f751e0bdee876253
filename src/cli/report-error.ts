import { FlatMachineError, formatLocation, toError } from '../errors.ts';
import { stderr } from './io.ts';
import { jsonText, printable } from './render/text.ts';

/** How much an error report says. */
export interface ReportOptions {
  /** Its causes and its stack too. */
  verbose: boolean;
  /** One JSON object on one line, for programs. */
  json: boolean;
}

/** The one place that prints what went wrong, on stderr. Anything that is not a {@link FlatMachineError} is called a bug. */
export function reportError(thrown: unknown, options: ReportOptions): void {
  const error = toError(thrown);
  if (options.json) stderr.write(`${jsonText(asData(error))}\n`);
  else if (error instanceof FlatMachineError) stderr.write(ours(error, options.verbose));
  else stderr.write(unexpected(error));
}

function ours(error: FlatMachineError, verbose: boolean): string {
  const lines = [`error: ${printable(error.message)}`];
  if (error.location !== undefined) lines.push(`  at ${printable(formatLocation(error.location))}`);
  lines.push(`  → ${printable(error.remedy)}`);
  if (verbose) {
    for (const cause of causesOf(error)) lines.push(`  caused by ${cause.name}: ${printable(cause.message)}`);
    if (error.stack !== undefined) lines.push(printable(error.stack));
  }
  return `${lines.join('\n')}\n`;
}

function unexpected(error: Error): string {
  const lines = [
    `error: this is a bug, in flatmachine or in a hook: ${printable(error.message)}`,
    '  → Please report it with the lines below. What was committed is safe: see `flatmachine ls`.',
    printable(error.stack ?? String(error)),
  ];
  for (const cause of causesOf(error)) lines.push(`caused by ${printable(cause.stack ?? String(cause))}`);
  return `${lines.join('\n')}\n`;
}

function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  let cause: unknown = error.cause;
  while (cause !== undefined && causes.length < 10) {
    causes.push(toError(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function asData(error: Error): object {
  const known = error instanceof FlatMachineError;
  return {
    type: 'fatal',
    error_type: error.name,
    code: known ? error.code : 'bug',
    message: error.message,
    ...(known ? { remedy: error.remedy, location: error.location, details: error.details } : {}),
    causes: causesOf(error).map((cause) => cause.message),
    ...(known ? {} : { stack: error.stack }),
  };
}
