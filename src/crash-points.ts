/** Where a state's own work is journaled: its parts, children, agent calls, tools and waits. */
export const WORK_POINTS = [
  'part.before-journal',
  'part.after-journal',
  'children.planned',
  'child.started',
  'child.ended',
  'call.before',
  'call.made',
  'call.journaled',
  'tool.before',
  'tool.ran',
  'tool.journaled',
  'wait.registered',
  'signal.sent',
] as const;

/** What a rollout passes, in its order: steps, environments, slots, commands. */
export const ROLLOUT_POINTS = [
  'execution.started',
  'step.before-work',
  'step.after-work',
  'step.before-commit',
  'step.after-commit',
  'environment.intent-recorded',
  'environment.created',
  'slot.recorded',
  'slot.acquired',
  'slot.opened',
  'command.before-send',
  'command.sent',
  'command.finished',
  'upload.before',
  'upload.after',
  'freeze.before',
  'freeze.after',
  'slot.releasing',
  'slot.reset',
  'slot.released',
  'environment.destroying',
  'environment.destroyed',
  'execution.finished',
  'execution.released',
] as const;

/**
 * Every place in production code where a test may kill the process. The crash matrices in `test/crash` take their lists from here, so a new point
 * cannot be forgotten.
 */
export const CRASH_POINTS = [...ROLLOUT_POINTS, ...WORK_POINTS] as const;

/** The name of a crash point. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

const armed = process.env.FLATMACHINE_CRASH_AT;
const [armedPoint, armedCount] = armed ? armed.split('#') : [];
let remaining = Number(armedCount ?? 1);

/**
 * Dies here by SIGKILL when a test has armed this point through `FLATMACHINE_CRASH_AT=point` or
 * `point#N` (the N-th time it is passed); does nothing otherwise.
 */
export const crashPoint: (point: CrashPoint) => void = armedPoint
  ? (point) => {
      if (point !== armedPoint || --remaining > 0) return;
      process.kill(process.pid, 'SIGKILL');
    }
  : () => {};
