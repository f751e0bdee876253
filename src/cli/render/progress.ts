import type { ExecutionEvent, ExecutionStatus } from '../../events.ts';
import { describeEvent, lastLine } from './lines.ts';
import { oneLine } from './text.ts';

/** How many visited states are remembered for the picture; what came before is counted. */
const MAX_VISITS = 500;

/** One visit of a state. */
export interface Visit {
  state: string;
  step: number;
  /** Wall clock, milliseconds. */
  started: number;
  ended: number | null;
  mark: 'running' | 'done' | 'failed' | 'stopped';
  /** What it is doing or why it failed. */
  note: string;
}

/** A run as its live picture shows it, built from its events. All texts are safe for a terminal. */
export class Progress {
  executionId = '';
  machine = '';
  resumed = false;
  step = 0;
  /** Wall clock, milliseconds. */
  started: number | null = null;
  ended: number | null = null;
  slot: { id: string; runner: string; isolation: string } | null = null;
  waiting = '';
  command = '';
  lastOutput = '';
  message = '';
  readonly visits: Visit[] = [];
  /** Visits that are no longer in {@link visits}. */
  forgotten = 0;

  /** Takes in one event. */
  apply(event: ExecutionEvent): void {
    const at = Date.parse(event.time);
    this.executionId = oneLine(event.execution_id);
    this.started ??= at;
    this.step = Math.max(this.step, event.step);
    this.#change(event, at);
  }

  /** The visit under way. */
  get current(): Visit | null {
    const last = this.visits.at(-1);
    return last?.mark === 'running' ? last : null;
  }

  #change(event: ExecutionEvent, at: number): void {
    switch (event.type) {
      case 'execution_start':
        this.machine = oneLine(event.machine);
        this.resumed = event.resumed;
        break;
      case 'state_enter':
        this.#enter(oneLine(event.state ?? ''), event.step, at);
        break;
      case 'state_exit':
        this.#leave('done', at);
        break;
      case 'error':
        this.#leave('failed', at, `${oneLine(event.error_type)}: ${oneLine(event.message)}`);
        break;
      case 'slot_waiting':
        this.waiting = `waiting for a slot, place ${event.position}: ${oneLine(event.reason)}`;
        break;
      case 'slot_acquired':
        this.waiting = '';
        this.slot = {
          id: oneLine(event.slot_id),
          runner: oneLine(event.runner),
          isolation: oneLine(event.isolation),
        };
        break;
      case 'slot_released':
        this.slot = null;
        break;
      case 'command_start':
        this.command = oneLine(event.command);
        this.lastOutput = '';
        break;
      case 'command_output':
        this.lastOutput = oneLine(lastLine(event.text)) || this.lastOutput;
        break;
      case 'command_end':
        this.command = '';
        this.lastOutput = '';
        break;
      case 'agent_output':
        this.lastOutput = oneLine(lastLine(event.text)) || this.lastOutput;
        break;
      case 'agent_call':
      case 'tool_call':
        this.lastOutput = describeEvent(event) ?? '';
        break;
      case 'progress':
      case 'waiting':
        this.waiting = describeEvent(event) ?? '';
        break;
      case 'signal':
        this.waiting = '';
        break;
      case 'log':
        this.message = `${event.level}: ${oneLine(event.message)}`;
        break;
      case 'lease_lost':
        this.message = `lease lost: ${oneLine(event.reason)}`;
        break;
      case 'execution_end':
        this.ended = at;
        this.message = '';
        if (this.current !== null) this.#leave(markOf(event.status), at, this.waiting || event.status);
        break;
    }
  }

  #enter(state: string, step: number, started: number): void {
    if (this.current !== null) this.#leave('done', started);
    this.message = '';
    this.visits.push({ state, step, started, ended: null, mark: 'running', note: '' });
    if (this.visits.length > MAX_VISITS) {
      this.visits.shift();
      this.forgotten++;
    }
  }

  #leave(mark: Exclude<Visit['mark'], 'running'>, at: number, note = ''): void {
    const { current } = this;
    if (current === null) return;
    current.mark = mark;
    current.ended = at;
    current.note = note;
    this.command = '';
    this.waiting = '';
  }
}

function markOf(status: ExecutionStatus): Exclude<Visit['mark'], 'running'> {
  if (status === 'completed') return 'done';
  return status === 'failed' || status === 'cancelled' ? 'failed' : 'stopped';
}
