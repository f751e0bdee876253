import type { EventType, ExecutionEvent } from '../../events.ts';
import { clip, clockTime, counted, dateTime, formatSpan, oneLine, printable } from './text.ts';
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
  agent_call: (e) => {
    const name = `${e.agent} ${e.call}`;
    if (e.error !== undefined) return `${name}: ✖ ${e.error_type}: ${e.error}`;
    return `${name}: ${e.finish_reason ?? 'answered'} (${callFacts(e).join(', ')})`;
  },
  agent_output: (e) => lastLine(e.text),
  tool_call: (e) =>
    `${e.tool} ${JSON.stringify(e.arguments)} ${e.is_error ? '✖ failed' : 'done'} (${formatSpan(e.duration_ms)})`,
  child_start: (e) => `child ${e.child} (${e.machine}) ${e.resumed ? 'taken up again' : 'started'}`,
  child_end: (e) => `child ${e.child}: ${e.status}`,
  launch: (e) => `launched ${e.child} (${e.machine})`,
  progress: (e) => {
    const left = e.eta_ms === undefined ? '' : `, ${formatSpan(e.eta_ms)} left`;
    return `${e.done}/${e.total} done, ${e.running} running, ${e.failed} failed, ${e.rate}/s${left}`;
  },
  waiting: (e) => {
    const what = e.channel === undefined ? childrenText(e.children) : `a signal on ${e.channel}`;
    const until =
      e.deadline === undefined ? '' : `, until ${dateTime(new Date(e.deadline).toISOString())} UTC`;
    return `waiting for ${what}${until}`;
  },
  signal: (e) => `signal ${e.signal_id} on ${e.channel}`,
  log: (e) => `${e.level}: ${e.message}`,
  lease_lost: (e) => `lease lost: ${e.reason}`,
  execution_end: (e) => e.status,
};

/** One event in words, or null when it has nothing to say to people. Safe for a terminal. */
export function describeEvent(event: ExecutionEvent): string | null {
  const text = (DESCRIBE[event.type] as (event: ExecutionEvent) => string | null)(event);
  return text === null ? null : oneLine(text);
}

/**
 * `12:03:44  3 execute  what happened`, or null when it has nothing to say.
 * @param root the execution that need not be named; others are
 */
export function eventLine(event: ExecutionEvent, root: string): string | null {
  const text = describeEvent(event);
  if (text === null || text === '') return null;
  const who = event.execution_id === root ? '' : `${oneLine(event.execution_id)}  `;
  const where = event.state === undefined ? '' : `${oneLine(event.state)}  `;
  const mark = event.type === 'command_output' || event.type === 'agent_output' ? '│ ' : '';
  return clip(
    `${clockTime(event.time)}  ${who}${String(event.step).padStart(3)} ${where}${mark}${text}`,
    MAX_COLUMNS,
  );
}

/** One line per event: what a run shows off a terminal. The first execution that it hears of is the root. */
export function linesView(write: (text: string) => void): View {
  let root: string | null = null;
  return {
    event: (event) => {
      root ??= event.execution_id;
      const line = eventLine(event, root);
      if (line !== null) write(`${line}\n`);
    },
    notice: (text) => write(`${printable(text)}\n`),
    close: () => {},
  };
}

/** What a call of an agent used: tokens, cost and time. */
function callFacts({ usage, cost, duration_ms }: Extract<ExecutionEvent, { type: 'agent_call' }>): string[] {
  const facts: string[] = [];
  if (typeof usage?.input_tokens === 'number') facts.push(`${usage.input_tokens} in`);
  if (typeof usage?.output_tokens === 'number') facts.push(`${usage.output_tokens} out`);
  if (cost !== undefined) facts.push(`cost ${cost}`);
  return [...facts, formatSpan(duration_ms)];
}

function childrenText(count: number | undefined): string {
  return count === undefined ? 'its children' : counted(count, 'child', 'children');
}

/** The last line of a piece of output that has something on it. */
export function lastLine(text: string): string {
  const lines = text.slice(-4096).split(/[\r\n]+/);
  return lines.findLast((line) => line.trim() !== '') ?? '';
}
