import { FlatMachineError } from '../errors.ts';
import type { DispatchEvent } from '../execution/dispatcher.ts';
import type { PoolWorkerEvent } from '../library/pool-worker-events.ts';
import { stderr } from './io.ts';
import { clockTime, formatSpan, jsonText, oneLine, printable } from './render/text.ts';

/** From this pause on a person is told that an execution is run by somebody else, milliseconds. */
const BUSY_TOLD_MS = 500;

/** Says on stderr what a worker does. */
export class WorkerReport {
  readonly #json: boolean;
  readonly #quiet: boolean;

  constructor({ json, quiet }: { json?: boolean; quiet?: boolean }) {
    this.#json = json === true;
    this.#quiet = quiet === true;
  }

  /** A line of JSON. */
  json(value: object): void {
    stderr.write(`${jsonText(value)}\n`);
  }

  /** Something a person may want to know. */
  notice(message: string): void {
    if (this.#json) this.json({ type: 'notice', time: now(), message });
    else if (!this.#quiet) stderr.write(`${printable(message)}\n`);
  }

  /** What the dispatcher of signals does. */
  dispatch(event: DispatchEvent): void {
    if (this.#json) {
      this.json({ ...event, type: `dispatch_${event.type}`, time: now(), ...facts(event) });
      return;
    }
    // Another worker was faster: nothing to tell, unless it goes on.
    if (event.type === 'busy' && event.retryIn < BUSY_TOLD_MS) return;
    const wrong = event.type === 'failed' || event.type === 'store';
    this.#line('executionId' in event ? event.executionId : '', describe(event), wrong);
    if (wrong) this.#remedy(event.error);
  }

  /** What the worker of a pool does. */
  pool(event: PoolWorkerEvent): void {
    if (this.#json) {
      const error =
        'error' in event && event.error instanceof Error
          ? { error: event.error.message, error_type: event.error.name }
          : {};
      this.json({ ...event, type: `work_${event.type}`, time: now(), ...error });
      return;
    }
    const wrong =
      event.type === 'failed' || event.type === 'store' || event.type === 'lost' || event.type === 'host';
    this.#line('executionId' in event ? event.executionId : '', describeWork(event), wrong);
    if (event.type === 'store' || event.type === 'host') this.#remedy(event.error);
  }

  #line(executionId: string, text: string, wrong: boolean): void {
    if (this.#quiet && !wrong) return;
    const who = executionId === '' ? '' : `${oneLine(executionId)}  `;
    stderr.write(`${clockTime(now())}  ${who}${oneLine(text)}\n`);
  }

  #remedy(error: Error): void {
    if (error instanceof FlatMachineError) stderr.write(`  → ${printable(error.remedy)}\n`);
  }
}

function now(): string {
  return new Date().toISOString();
}

function facts(event: DispatchEvent): object {
  if (event.type === 'resumed') return { result: undefined, status: event.result.status };
  return 'error' in event ? { error: event.error.message, error_type: event.error.name } : {};
}

function describe(event: DispatchEvent): string {
  switch (event.type) {
    case 'resuming':
      return `${REASONS[event.reason]}${event.channel === null ? '' : ` on ${event.channel}`}`;
    case 'resumed': {
      const { status, state, error } = event.result;
      if (status === 'interrupted')
        return `interrupted at ${state} → flatmachine resume ${event.executionId}`;
      const why = error === null ? '' : `: ${error.error_type}: ${error.message}`;
      return `${status} at ${state}${why}`;
    }
    case 'busy':
      return 'is being run by somebody else';
    case 'failed':
      return `error: ${event.error.message}; tried again in ${span(event.retryIn)}`;
    case 'store':
      return `error: ${event.error.message}; asked again in ${span(event.retryIn)}`;
  }
}

const REASONS = {
  signal: 'signal',
  deadline: 'deadline passed',
  child: 'a child has ended',
  abandoned: 'taken up: nobody runs it any more',
} as const;

function span(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

function describeWork(event: PoolWorkerEvent): string {
  switch (event.type) {
    case 'started':
      return `worker ${event.worker} works on pool ${event.pool}`;
    case 'claimed':
      return `item ${event.item}, attempt ${event.attempt}`;
    case 'done':
      return 'done';
    case 'failed':
      return `failed: ${event.error}${event.poisoned ? '; given up: `flatmachine work requeue` tries again' : ''}`;
    case 'given_back':
      return `${GIVEN_BACK[event.reason]}${event.retryIn > 0 ? `; looked at again in ${formatSpan(event.retryIn)}` : ''}`;
    case 'lost':
      return 'the claim was lost: somebody else may work on it';
    case 'host':
      return `this host cannot run it: ${event.error.message}; nothing is claimed for ${span(event.retryIn)}`;
    case 'store':
      return `error: ${event.error.message}; asked again`;
  }
}

const GIVEN_BACK = {
  waiting: 'waits; given back meanwhile',
  interrupted: 'interrupted and given back',
  busy: 'is being run by somebody else',
  store: 'given back: the store failed',
  slot: 'waits for a slot; makes way for what a dead worker had begun',
} as const;
