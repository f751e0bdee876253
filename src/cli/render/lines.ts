import type { EventType, ExecutionEvent } from '../../events.ts';
import { clip, clockTime, formatSpan, oneLine, printable } from './text.ts';
import type { View } from './view.ts';

/** The longest line that is printed, in columns: commands and messages may be of any size. */
const MAX_COLUMNS = 500;

type Describe = { [T in EventType]: (event: Extract<ExecutionEvent, { type: T }>) => string | null };

/** What each kind of event says; null = nothing, because another event says it already. */
const DESCRIBE: Describe = {
  execution_start: (e) =>
    e.resumed ? `${e.machine}: resumed at step ${e.from_step}` : `${e.machine}: started`,
  state_enter: () => 'entered',
  action_start: () => null,
  action_end: (e) => `action ${e.action} done (${formatSpan(e.duration_ms)})`,
  state_exit: () => null,
  transition: (e) => `→ ${e.to}`,
  error: (e) => `✖ ${e.error_type}: ${e.message}${e.to === undefined ? '' : ` → ${e.to}`}`,
  step_commit: (e) => (e.status === 'running' ? null : `committed: ${e.status}`),
  slot_acquired: (e) => `slot ${e.slot_id} on ${e.runner}/${e.isolation} (waited ${formatSpan(e.wait_ms)})`,
  slot_waiting: (e) => `waiting for a slot, place ${e.position}: ${e.reason}`,
  slot_released: (e) => `slot ${e.slot_id} released${e.destroyed ? ', environment destroyed' : ''}`,
  command_start: (e) => `$ ${e.command}${e.joined ? '  (joined: it was running already)' : ''}`,
  command_output: (e) => lastLine(e.text),
  command_end: (e) =>
    `${e.outcome}${e.returncode === null ? '' : ` (${e.returncode})`} after ${formatSpan(e.duration_ms)}`,
  freeze: (e) => `frozen (${e.level}) as ${e.reference}`,
  log: (e) => `${e.level}: ${e.message}`,
  lease_lost: (e) => `lease lost: ${e.reason}`,
  execution_end: (e) => e.status,
};

/** One event in words, or null when it has nothing to say to people. Safe for a terminal. */
export function describeEvent(event: ExecutionEvent): string | null {
  const text = (DESCRIBE[event.type] as (event: ExecutionEvent) => string | null)(event);
  return text === null ? null : oneLine(text);
}

/** `12:03:44  3 execute  what happened`, or null when it has nothing to say. */
export function eventLine(event: ExecutionEvent): string | null {
  const text = describeEvent(event);
  if (text === null || text === '') return null;
  const where = event.state === undefined ? '' : `${oneLine(event.state)}  `;
  const mark = event.type === 'command_output' ? '│ ' : '';
  return clip(
    `${clockTime(event.time)}  ${String(event.step).padStart(3)} ${where}${mark}${text}`,
    MAX_COLUMNS,
  );
}

/** One line per event: what a run shows off a terminal. */
export function linesView(write: (text: string) => void): View {
  return {
    event: (event) => {
      const line = eventLine(event);
      if (line !== null) write(`${line}\n`);
    },
    notice: (text) => write(`${printable(text)}\n`),
    close: () => {},
  };
}

/** The last line of a piece of output that has something on it. */
export function lastLine(text: string): string {
  const lines = text.slice(-4096).split(/[\r\n]+/);
  return lines.findLast((line) => line.trim() !== '') ?? '';
}
