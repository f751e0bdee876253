import { Option } from 'commander';
import { FlatMachineError } from '../../errors.ts';
import { latestOf } from '../../execution/engine.ts';
import type { FlatMachine } from '../../flatmachine.ts';
import { keepStdoutClean } from '../clean-stdout.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type DrainSignals, drainSignals } from '../interrupt.ts';
import { writeJson } from '../io.ts';
import { positiveInteger, seconds } from '../options.ts';
import { storeUrl } from '../store.ts';
import { WorkerReport } from '../worker-report.ts';

interface WorkerOptions {
  pool?: string;
  machine?: string;
  signals?: boolean;
  once?: boolean;
  untilEmpty?: boolean;
  concurrency?: number;
  runner?: string;
  lease?: number;
  drain?: number;
  id?: string;
  backend?: string;
  json?: boolean;
  quiet?: boolean;
}

/** `worker --pool NAME --machine FILE`, `worker --signals`, or both */
export const setup: CommandSetup = (command) => {
  command
    .option('--pool <name>', 'work on the items of this pool')
    .option('--machine <file>', 'the machine to run for each item; its input is the item')
    .option('--signals', 'resume executions whose signal, deadline or child has come')
    .option(
      '--concurrency <n>',
      'executions run at the same time (default: 1 of a pool, 16 by signals)',
      positiveInteger,
    )
    .option('--runner <name>', 'where commands run, for machines with rollout hooks; see doctor')
    .option('--until-empty', 'end, and print the counts, when nothing of the pool is left to be done')
    .addOption(new Option('--once', 'resume what is ready now, print the counts, and end').conflicts('pool'))
    .option('--lease <seconds>', 'until an item of a dead worker is claimed by others (default: 60)', seconds)
    .option(
      '--drain <seconds>',
      'how long what is under way may take once told to end (default: no limit)',
      seconds,
    )
    .option('--id <id>', 'the id it registers under (default: made of host, process and chance)')
    .option('--backend <url>', 'where pools and executions are kept')
    .option('--json', 'print each event as one line of JSON on stderr')
    .option('--quiet', 'print nothing on stderr but what went wrong')
    .addHelpText(
      'after',
      '\nSIGTERM or SIGINT: it takes nothing more, finishes what is under way and ends. A second one stops that at its next safe point and gives the items back.',
    );
  return worker;
};

async function worker(options: WorkerOptions): Promise<ExitCode> {
  const { pool, machine, signals } = options;
  if (pool === undefined && signals !== true) throw usage('the worker has to be told what to do');
  if ((pool === undefined) !== (machine === undefined))
    throw usage('--pool and --machine go together: the pool to work on, and what to run for each item');
  if (options.lease === 0) throw usage('--lease must be above 0');
  const report = new WorkerReport(options);
  const stop = drainSignals((message) => report.notice(message));
  keepStdoutClean(report);
  const backend = storeUrl(options.backend);
  const onWarning = (message: string) => report.notice(`warning: ${message}`);
  if (pool === undefined || machine === undefined) {
    const { openBackends } = await import('../../backends/open.ts');
    const store = await openBackends(backend, { onWarning });
    try {
      return await dispatch(store, stop, report, options);
    } finally {
      await store.close();
    }
  }
  const { FlatMachine } = await import('../../flatmachine.ts');
  const loaded = await FlatMachine.load(machine, { backend, backendOptions: { onWarning } });
  try {
    return await workOn(pool, loaded, stop, report, options);
  } finally {
    await loaded.close();
  }
}

/** Works on a pool, and serves signals beside it if that was asked for. */
async function workOn(
  pool: string,
  machine: FlatMachine,
  { drain, interrupt }: DrainSignals,
  report: WorkerReport,
  options: WorkerOptions,
): Promise<ExitCode> {
  const { PoolWorker } = await import('../../library/pool-worker.ts');
  const worker = new PoolWorker({
    machine,
    pool,
    workerId: options.id,
    concurrency: options.concurrency,
    lease: options.lease === undefined ? undefined : options.lease * 1000,
    runner: options.runner,
    untilEmpty: options.untilEmpty,
    drain: options.drain === undefined ? undefined : options.drain * 1000,
    onEvent: (event) => report.pool(event),
    onExecutionEvent: options.json === true ? (event) => report.json(event) : undefined,
  });
  const ended = new AbortController();
  const stop = AbortSignal.any([drain, ended.signal]);
  const signals =
    options.signals === true
      ? dispatch(machine.backends, { drain: stop, interrupt }, report, { ...options, once: false })
      : null;
  let counts: Awaited<ReturnType<typeof worker.run>>;
  try {
    counts = await worker.run(drain, interrupt);
  } finally {
    ended.abort();
    await signals;
  }
  if (options.untilEmpty !== true) return EXIT.ok;
  writeJson(counts);
  return counts.poisoned === 0 ? EXIT.ok : EXIT.failed;
}

/** Resumes what waits, when that has come. */
async function dispatch(
  store: FlatMachine['backends'],
  stop: DrainSignals,
  report: WorkerReport,
  { once, concurrency, json }: WorkerOptions,
): Promise<ExitCode> {
  const { SignalDispatcher } = await import('../../execution/dispatcher.ts');
  const { StoredMachines } = await import('../../library/stored-machines.ts');
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

function usage(message: string): FlatMachineError {
  return new FlatMachineError('usage', message, {
    remedy: 'Use `flatmachine worker --pool NAME --machine FILE`, `flatmachine worker --signals`, or both.',
  });
}
