/** The actions of the `distributed-worker` hooks, for the linter. */
export const WORKER_ACTIONS = [
  'get_pool_state',
  'claim_job',
  'complete_job',
  'fail_job',
  'register_worker',
  'deregister_worker',
  'heartbeat',
  'list_stale_workers',
  'reap_worker',
  'reap_stale_workers',
  'calculate_spawn',
  'spawn_workers',
  'push_tasks',
  'await_tasks',
  'write_results',
] as const;

/** The name of one of them. */
export type WorkerAction = (typeof WORKER_ACTIONS)[number];
