import type { Wait } from '../backends/interfaces.ts';
import type { ExecutionResult } from '../execution/setup.ts';
import { absoluteUrl, defaultBackend } from '../library/store-place.ts';
import type { FailureRecord } from '../machine/snapshot.ts';
import { counted, dateTime, printable } from './render/text.ts';

/**
 * What an execution came to and how to go on, for people; ends in a newline unless it is empty.
 * @param waits what it and everything below it wait for
 */
export function epilogue(
  result: ExecutionResult,
  backendUrl: string,
  waits: readonly Wait[],
  quiet: boolean,
): string {
  const { execution_id: id, status, state, step, error } = result;
  if (status === 'completed') return quiet ? '' : `completed  ${id}  ${counted(step, 'step')}\n`;
  const lines =
    error === null
      ? [`${status}  ${id}  at state ${printable(state)}, ${counted(step, 'step')}`]
      : failure(error);
  if (status === 'waiting') lines.push(...howToSignal(waits, backendUrl));
  else if (status !== 'cancelled') lines.push(goOn(`resume ${id}`, backendUrl));
  return `${lines.join('\n')}\n`;
}

function failure(error: FailureRecord): string[] {
  return [
    `error: ${error.error_type} in state ${printable(error.state)} (step ${error.step}): ${printable(error.message)}`,
    ...error.causes.map((cause) => `  caused by: ${printable(cause)}`),
  ];
}

/** How many channels a hint names. */
const CHANNELS_NAMED = 3;

function howToSignal(waits: readonly Wait[], backendUrl: string): string[] {
  if (isMemory(backendUrl)) return [NOT_KEPT];
  const channels = [...new Set(waits.flatMap(({ channel }) => (channel === null ? [] : [channel])))].sort();
  const named = channels.slice(0, CHANNELS_NAMED);
  const lines = named.map((channel) => goOn(`signal ${shellWord(printable(channel))} '{…}'`, backendUrl));
  if (channels.length > named.length) lines.push(`    (and ${channels.length - named.length} more channels)`);
  const deadlines = waits.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
  const until =
    deadlines.length === 0 ? '' : `, or at ${dateTime(new Date(Math.min(...deadlines)).toISOString())} UTC`;
  return [...lines, `${goOn('worker --signals', backendUrl)}   # goes on with it then${until}`];
}

const NOT_KEPT = '  the memory backend keeps nothing: it cannot be resumed';

function isMemory(backendUrl: string): boolean {
  return /^memory\b/.test(backendUrl);
}

function goOn(command: string, backendUrl: string): string {
  if (isMemory(backendUrl)) return NOT_KEPT;
  const isDefault = backendUrl === absoluteUrl(defaultBackend(), process.cwd());
  return `  → flatmachine ${command}${isDefault ? '' : ` --backend ${shellWord(backendUrl)}`}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
