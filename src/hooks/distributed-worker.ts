import { FlatMachineError } from '../errors.ts';
import type { ActionCall, HookFactory } from '../execution/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { WORKER_ACTIONS, type WorkerAction } from './distributed-worker-actions.ts';
import { pushTasks } from './distributed-worker-batch.ts';
import { WorkerFields } from './distributed-worker-fields.ts';
import { claimJob, completeJob, failJob } from './distributed-worker-jobs.ts';
import {
  deregisterWorker,
  heartbeat,
  listStaleWorkers,
  reapStaleWorkers,
  reapWorker,
  registerWorker,
} from './distributed-worker-register.ts';
import { writeResults } from './distributed-worker-results.ts';
import { WorkerSession } from './distributed-worker-session.ts';
import { workerSettings } from './distributed-worker-settings.ts';
import { calculateSpawn, getPoolState, spawnWorkers } from './distributed-worker-spawn.ts';
import { awaitTasks } from './distributed-worker-wait.ts';

/** An action's work: the fields it sets, in the context and as `output`. */
type Action = (session: WorkerSession, fields: WorkerFields, call: ActionCall) => Promise<JsonObject>;

const ACTIONS: Readonly<Record<WorkerAction, Action>> = {
  get_pool_state: getPoolState,
  claim_job: claimJob,
  complete_job: completeJob,
  fail_job: failJob,
  register_worker: registerWorker,
  deregister_worker: deregisterWorker,
  heartbeat,
  list_stale_workers: listStaleWorkers,
  reap_worker: reapWorker,
  reap_stale_workers: reapStaleWorkers,
  calculate_spawn: async (_session, fields) => calculateSpawn(fields),
  spawn_workers: spawnWorkers,
  push_tasks: pushTasks,
  await_tasks: awaitTasks,
  write_results: writeResults,
};

/**
 * The hooks `distributed-worker`: actions for machines that work on pools, watch over workers, or hand out a batch of tasks. Each reads fields of the context, or of the state's
 * `input`, and sets fields of the context, which are its `output` too; docs/workers.md lists them. What a machine has claimed and registered is kept alive while its process
 * lives. Arguments: see `WorkerSettings`.
 */
export const distributedWorkerHooks: HookFactory = (args, environment) => {
  const session = new WorkerSession(environment, workerSettings(args, environment));
  return {
    actions: WORKER_ACTIONS,
    onStateEnter: (_state, context) => session.takeUp(context),
    onAction: async (action, context, call) => {
      const work = Object.hasOwn(ACTIONS, action) ? ACTIONS[action as WorkerAction] : undefined;
      if (work === undefined) {
        throw new FlatMachineError(
          'unhandled-action',
          `the hooks "distributed-worker" have no action "${action}"`,
        );
      }
      const output = await work(session, new WorkerFields(context, call), call);
      return { output, context: { ...context, ...output } };
    },
    onExecutionEnd: (_executionId, status) => session.end(status),
    close: () => session.close(),
  };
};
