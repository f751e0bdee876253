import { createHash } from 'node:crypto';
import { isFlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import type { ExecResult, Outcome } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { runCommand, tail } from './command.ts';
import type { HeldSlot } from './pool.ts';
import { type RolloutSession, taskFacts } from './session.ts';
import type { Task } from './task.ts';

/** Seconds that putting the hidden tests in place may take. */
const SETUP_TIMEOUT = 60;

/** Bytes read of a task's trace at most. */
const MAX_TRACE = 64 * 1024;

/** Exit codes of a shell that could not run what it was told to: the task's fault, not the agent's. */
const CANNOT_RUN: readonly (number | null)[] = [126, 127];

/** Ends of a turn that stay the trajectory's outcome whatever the tests say. */
const CUT_OFF: readonly Outcome[] = ['timeout', 'oom', 'output_capped', 'cancelled'];

/** The agent has put links where the tests go: nothing it left can be judged, and that is its own doing. */
const WRECKED: JsonObject = { reward: 0, outcome: 'nonzero', blame: 'policy', trainable: true };

/**
 * The verdict: with every process of the agent dead, the hidden tests are put into a directory that did not exist before and the
 * task's verifier is run beside them.
 */
export async function verify(
  session: RolloutSession,
  context: JsonObject,
  call: ActionCall,
): Promise<JsonObject> {
  const held = await session.held(context, call);
  const facts = taskFacts(context);
  const task = await session.task(facts);
  const tests = testsDir(facts.secret, call);
  const { environment, slot } = held;
  const killed = await environment.stopProcesses(slot.slot_id, slot.token);
  const trace = task.trace === null ? null : await readTrace(held, call, task.trace);
  const placed = await placeTests(session, held, call, task, tests).catch((error: unknown) => {
    if (!isFlatMachineError(error, 'unsafe-path')) throw error;
    call.emit({ type: 'log', level: 'warn', message: `the tests cannot be placed: ${error.message}` });
    return null;
  });
  if (placed === null) return { ...WRECKED, killed, trace, tests: '' };
  const result = placed.outcome === 'ok' ? await runTests(session, held, call, task, tests) : placed;
  const turn = typeof call.input.outcome === 'string' ? (call.input.outcome as Outcome) : 'ok';
  const judgement = placed === result ? graderFailed(result) : verdict(result, turn);
  return { ...judgement, killed, trace, tests: tail(result.output) };
}

/** What a verifier's end and the agent's last turn say together. */
export function verdict(result: Pick<ExecResult, 'outcome' | 'returncode'>, turn: Outcome): JsonObject {
  const judged = result.outcome === 'ok' || result.outcome === 'nonzero';
  if (!judged || CANNOT_RUN.includes(result.returncode)) return graderFailed(result);
  const solved = result.outcome === 'ok';
  const outcome = CUT_OFF.includes(turn) ? turn : result.outcome;
  return { reward: solved ? 1 : 0, outcome, blame: outcome === 'ok' ? null : 'policy', trainable: true };
}

function graderFailed({ outcome }: Pick<ExecResult, 'outcome'>): JsonObject {
  return { reward: null, outcome, blame: 'grader', trainable: false };
}

/** Where the hidden tests are: not to be guessed by the agent, which knows the ids of its work, and the same when a crash makes this state run again. */
function testsDir(secret: string, call: ActionCall): string {
  return `.verify-${createHash('sha256').update(`${secret} ${call.workId}`).digest('hex').slice(0, 16)}`;
}

async function placeTests(
  session: RolloutSession,
  held: HeldSlot,
  call: ActionCall,
  task: Task,
  tests: string,
): Promise<ExecResult> {
  const { slot, environment } = held;
  const staged = `${tests}.new`;
  const files = (await task.tests()).map((file) => ({ ...file, path: `${staged}/${file.path}` }));
  await environment.upload(slot.slot_id, slot.token, files);
  // Moved into place by a command, which runs once: tests that are being run are never written to.
  return runCommand(session, held, call, {
    id: '0',
    cmd: `rm -rf ${tests} && mkdir -p ${staged} && mv ${staged} ${tests}`,
    timeout: SETUP_TIMEOUT,
  });
}

function runTests(
  session: RolloutSession,
  held: HeldSlot,
  call: ActionCall,
  task: Task,
  tests: string,
): Promise<ExecResult> {
  return runCommand(session, held, call, {
    id: '1',
    cmd: task.verify.cmd,
    timeout: task.verify.timeout,
    env: { TESTS: tests },
  });
}

/** The lines of the trace; null when there is none, which a log event explains. */
async function readTrace(held: HeldSlot, call: ActionCall, path: string): Promise<string[] | null> {
  const { environment, slot } = held;
  try {
    const content = await environment.download(slot.slot_id, slot.token, path, MAX_TRACE);
    const lines = Buffer.from(content).toString('utf8').split('\n');
    return lines.filter((line) => line !== '');
  } catch (error) {
    if (!isFlatMachineError(error, 'not-found', 'too-large', 'unsafe-path')) throw error;
    call.emit({ type: 'log', level: 'warn', message: `no trace: ${error.message}` });
    return null;
  }
}
