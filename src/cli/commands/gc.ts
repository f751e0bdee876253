import { join } from 'node:path';
import { Option } from 'commander';
import type { BackendSet, ExecutionSummary } from '../../backends/interfaces.ts';
import { toError } from '../../errors.ts';
import { STATE_DIR } from '../../library/store-place.ts';
import { TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { Runner } from '../../runners/interfaces.ts';
import type { CommandSetup } from '../commands.ts';
import { endedTrees } from '../ended-trees.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stderr, stdout } from '../io.ts';
import { duration, seconds } from '../options.ts';
import { counted, oneLine } from '../render/text.ts';
import { withStore } from '../store.ts';

interface GcOptions {
  olderThan: number;
  reap?: boolean;
  grace?: number;
  dryRun?: boolean;
  backend?: string;
}

/** `gc` */
export const setup: CommandSetup = (command) => {
  command
    .addOption(
      new Option('--older-than <duration>', 'how long ago they ended: 90s, 12h, 7d, …')
        .argParser(duration)
        .default(duration('7d'), '7d'),
    )
    .option('--reap', 'also remove slots and environments that no living execution owns')
    .option(
      '--grace <seconds>',
      'with --reap: how long an execution that nobody runs keeps what it owns, to be resumed',
      seconds,
    )
    .option('--dry-run', 'only say what would go')
    .option('--backend <url>', 'where executions are kept')
    .addHelpText(
      'after',
      '\nDeletes executions that are completed, failed or cancelled, with their children and snapshots. Running, waiting, limited and interrupted ones always stay, and with them everything above and below them. Workers that were not heard of for as long leave the register.',
    );
  return gc;
};

function gc(options: GcOptions): Promise<ExitCode> {
  return withStore(
    options.backend,
    (url): ExitCode => {
      stderr.write(`there is no store at ${url} yet\n`);
      return EXIT.ok;
    },
    async (store) => {
      // First what the executions left behind, while it is still known whose it was.
      const reaped = options.reap === true ? await reapAll(store, options) : true;
      const deleted = await deleteEnded(store, options);
      await removeWorkers(store, options);
      return reaped && deleted ? EXIT.ok : EXIT.failed;
    },
  );
}

/** @returns whether everything that should go is gone; what keeps its snapshots keeps its records */
async function deleteEnded(store: BackendSet, { olderThan, dryRun }: GcOptions): Promise<boolean> {
  const updated_before = new Date(Date.now() - olderThan).toISOString();
  let gone = 0;
  let kept = 0;
  for await (const tree of endedTrees(store, updated_before)) {
    // The root first: a tree cut short here leaves children without a parent, which go by themselves the next time; a root without its children could be resumed and would do their work again.
    for (const summary of tree) {
      try {
        if (!(await deleteOne(store, summary, dryRun === true))) break;
      } catch (thrown) {
        kept++;
        stderr.write(`kept: ${oneLine(summary.execution_id)}: ${oneLine(toError(thrown).message)}\n`);
        break;
      }
      gone++;
      stdout.write(`${oneLine(summary.execution_id)}  ${summary.status}  ${summary.updated_at}\n`);
    }
  }
  stderr.write(`${counted(gone, 'execution')} ${dryRun === true ? 'would be ' : ''}deleted\n`);
  return kept === 0;
}

/** Removes workers from the register that have not been heard of for so long; one that may still live stays. */
async function removeWorkers({ registration }: BackendSet, { olderThan, dryRun }: GcOptions): Promise<void> {
  let gone = 0;
  for (const worker of await registration.list({ stale_threshold_seconds: olderThan / 1000 })) {
    const { worker_id: id, status, heartbeat_age, heartbeat_interval, last_heartbeat } = worker;
    const ended = status === 'terminated' || status === 'lost';
    if (dryRun === true) {
      if (!ended && heartbeat_age < 2 * heartbeat_interval) continue;
    } else {
      if (!ended && !(await registration.markLost(id))) continue;
      await registration.remove(id);
    }
    gone++;
    stdout.write(`worker ${oneLine(id)}  ${oneLine(status)}  ${last_heartbeat}\n`);
  }
  const would = dryRun === true ? 'would be ' : '';
  if (gone > 0) stderr.write(`${counted(gone, 'worker')} ${would}removed from the register\n`);
}

/** Under its lease, and only if it is still as it was listed: somebody may be resuming a failed one. */
async function deleteOne(
  store: BackendSet,
  { execution_id: id, step }: ExecutionSummary,
  dryRun: boolean,
): Promise<boolean> {
  const { locking, persistence } = store;
  if (!(await locking.acquire(id))) return false;
  try {
    const last = await persistence.latest(id);
    if (last !== null && (last.step !== step || !TERMINAL_STATUSES.has(last.status))) return false;
    if (dryRun) return true;
    const { removeSnapshots } = await import('../../rollout/snapshots.ts');
    await removeSnapshots(store, openHere, id);
    await persistence.deleteExecution(id);
    return true;
  } finally {
    await locking.release(id);
  }
}

/** The runners of this directory. */
async function openHere(name: string): Promise<Runner> {
  const { openRunner } = await import('../../runners/registry.ts');
  return openRunner(name, { stateDir: join(process.cwd(), STATE_DIR) });
}

/** @returns whether everything that could be removed was */
async function reapAll(backends: BackendSet, { grace, dryRun }: GcOptions): Promise<boolean> {
  const { reap } = await import('../../rollout/reaper.ts');
  const { RUNNER_NAMES } = await import('../../runners/registry.ts');
  const stateDir = join(process.cwd(), STATE_DIR);
  const { items, unreachable } = await reap({
    backends,
    openRunner: openHere,
    runners: RUNNER_NAMES,
    stateDir,
    ...(grace === undefined ? {} : { grace }),
    ...(dryRun === undefined ? {} : { dryRun }),
  });
  for (const { runner, detail } of unreachable)
    stderr.write(`not looked at: ${runner}: ${oneLine(detail)}\n`);
  for (const { kind, id, runner, owner, reason, error } of items) {
    const line = `${kind} ${id}  ${runner}  of ${owner}: ${reason}`;
    if (error === undefined) stdout.write(`${oneLine(line)}\n`);
    else stderr.write(`not removed: ${oneLine(`${line}: ${error}`)}\n`);
  }
  const gone = items.filter(({ error }) => error === undefined).length;
  const would = dryRun === true ? 'would be ' : '';
  stderr.write(`${counted(gone, 'slot or environment', 'slots and environments')} ${would}removed\n`);
  return items.every(({ error }) => error === undefined);
}
