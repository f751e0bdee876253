/**
 * Every place in production code where a test may kill the process, in the order of a rollout.
 * The crash matrix in `test/crash` takes its list from here, so a new point cannot be forgotten.
 */
export const CRASH_POINTS = [
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
