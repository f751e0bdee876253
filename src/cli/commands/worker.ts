import type { BackendSet } from '../../backends/interfaces.ts';
import { openBackends } from '../../backends/open.ts';
import { FlatMachineError } from '../../errors.ts';
import { type DispatchEvent, SignalDispatcher } from '../../execution/dispatcher.ts';
import { latestOf } from '../../execution/engine.ts';
import { StoredMachines } from '../../library/stored-machines.ts';
import { keepStdoutClean } from '../clean-stdout.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type DrainSignals, drainSignals } from '../interrupt.ts';
import { stderr, writeJson } from '../io.ts';
import { positiveInteger } from '../options.ts';
import { clockTime, jsonText, oneLine, printable } from '../render/text.ts';
import { storeUrl } from '../store.ts';

interface WorkerOptions {
  signals?: boolean;
  once?: boolean;
  concurrency?: number;
  backend?: string;
  json?: boolean;
  quiet?: boolean;
}

/** `worker --signals` */
export const setup: CommandSetup = (command) => {
  command
    .option('--signals', 'resume executions whose signal, deadline or child has come')
    .option('--once', 'resume what is ready now, print the counts, and end')
    .option('--concurrency <n>', 'executions resumed at the same time (default: 16)', positiveInteger)
    .option('--backend <url>', 'where executions are kept')
    .option('--json', 'print each event as one line of JSON on stderr')
    .option('--quiet', 'print nothing on stderr but what went wrong')
    .addHelpText(
      'after',
      '\nRun it in the directory the executions were started in. SIGTERM or SIGINT: it finishes what is under way and ends.',
    );
  return worker;
};

async function worker(options: WorkerOptions): Promise<ExitCode> {
  if (options.signals !== true) {
    throw new FlatMachineError('usage', 'the worker has to be told what to do', {
      remedy: 'Use `flatmachine worker --signals`.',
    });
  }
  const report = new Report(options);
  const stop = drainSignals((message) => report.notice(message));
  keepStdoutClean(report);
  const store = await openBackends(storeUrl(options.backend), {
    onWarning: (message) => report.notice(`warning: ${message}`),
  });
  try {
    return await dispatch(store, stop, report, options);
  } finally {
    await store.close();
  }
}

async function dispatch(
  store: BackendSet,
  stop: DrainSignals,
  report: Report,
  { once, concurrency, json }: WorkerOptions,
): Promise<ExitCode> {
  const machines = new StoredMachines(store);
  const dispatcher = new SignalDispatcher({
    backends: store,
    concurrency,
    onEvent: (event) => report.dispatch(event),
    resume: async (id) =>
      machines.resume(await latestOf(store, id), {
        retry: false,
        signal: stop.interrupt,
        onEvent: json === true ? (event) => report.json(event) : undefined,
      }),
  });
  if (once !== true) {
    report.notice(`resuming what is ready in ${store.url}`);
    await dispatcher.run(stop.drain);
    await machines.settled();
    return EXIT.ok;
  }
  const counts = await dispatcher.once(stop.drain);
  await machines.settled();
  writeJson(counts);
  return counts.failed === 0 ? EXIT.ok : EXIT.failed;
}

/** From this pause on a person is told that an execution is run by somebody else, milliseconds. */
const BUSY_TOLD_MS = 500;

/** Says on stderr what the worker does. */
class Report {
  readonly #json: boolean;
  readonly #quiet: boolean;

  constructor({ json, quiet }: WorkerOptions) {
    this.#json = json === true;
    this.#quiet = quiet === true;
  }

  json(value: object): void {
    stderr.write(`${jsonText(value)}\n`);
  }

  notice(message: string): void {
    if (this.#json) this.json({ type: 'notice', time: now(), message });
    else if (!this.#quiet) stderr.write(`${printable(message)}\n`);
  }

  dispatch(event: DispatchEvent): void {
    if (this.#json) {
      this.json({ ...event, type: `dispatch_${event.type}`, time: now(), ...facts(event) });
      return;
    }
    const wrong = event.type === 'failed' || event.type === 'store';
    if (this.#quiet && !wrong) return;
    // Another worker was faster: nothing to tell, unless it goes on.
    if (event.type === 'busy' && event.retryIn < BUSY_TOLD_MS) return;
    const who = 'executionId' in event ? `${oneLine(event.executionId)}  ` : '';
    stderr.write(`${clockTime(now())}  ${who}${oneLine(describe(event))}\n`);
    if (wrong && event.error instanceof FlatMachineError)
      stderr.write(`  → ${printable(event.error.remedy)}\n`);
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
