/** The actions of the `rollout` hooks, for the linter. */
export const ROLLOUT_ACTIONS = [
  'load_task',
  'acquire_slot',
  'prepare',
  'run_turn',
  'checkpoint',
  'verify',
  'release_slot',
  'assign_blame',
] as const;

/** The name of one of them. */
export type RolloutAction = (typeof ROLLOUT_ACTIONS)[number];
