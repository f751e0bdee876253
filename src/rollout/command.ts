import { FlatMachineError, isFlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import type { ExecRequest, ExecResult } from '../runners/interfaces.ts';
import { workName } from './identity.ts';
import type { HeldSlot } from './pool.ts';
import type { RolloutSession } from './session.ts';
import { makeMove } from './slot.ts';

/** What is kept of a command's output in events and context, bytes. */
const TAIL = 4096;

/** Bytes kept of each stream while a command runs. */
const MAX_OUTPUT = 256 * 1024;

/** One command of a rollout. */
export interface RolloutCommand {
  /** Its place among the commands of this piece of work: with that one's id it makes it run once, however often it is asked for. */
  n: number;
  cmd: string;
  /** Seconds. */
  timeout: number;
  env?: Record<string, string>;
}

/**
 * Runs a command in the held slot, or collects it if it ran already, and tells of it in events.
 * A timeout or a cancellation of the state ends the command; an interruption or a lost lease leaves it to whoever resumes.
 * @throws FlatMachineError `sandbox-lost`, `lease-lost`; the signal's reason
 */
export async function runCommand(
  session: RolloutSession,
  held: HeldSlot,
  call: ActionCall,
  command: RolloutCommand,
): Promise<ExecResult> {
  const { slots } = session.environment.backends;
  if (held.slot.state !== 'executing') held.slot = await makeMove(slots, held.slot, 'start');
  const request = execRequest(held, call, command);
  const { execId } = request;
  let result: ExecResult;
  try {
    result = await held.environment.exec(request);
  } catch (error) {
    if (call.signal.aborted) await stopWaiting(held, call, request);
    throw error;
  }
  tellEnd(call, execId, result);
  if (result.outcome === 'sandbox_lost') {
    throw new FlatMachineError('sandbox-lost', `the box was lost while ${execId} ran`, {
      details: { exec_id: execId, outcome: 'sandbox_lost', blame: 'infra' },
    });
  }
  held.slot = await makeMove(slots, held.slot, 'finish');
  return result;
}

/** The last part of a text, at most 4 KiB of it. */
export function tail(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= TAIL) return text;
  let start = bytes.byteLength - TAIL;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.subarray(start).toString('utf8');
}

function execRequest(held: HeldSlot, call: ActionCall, command: RolloutCommand): ExecRequest {
  const { n, cmd, timeout, env } = command;
  const execId = `${workName(call.workId)}.${n}`;
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return {
    slotId: held.slot.slot_id,
    token: held.slot.token,
    execId,
    cmd,
    timeout,
    ...(env === undefined ? {} : { env }),
    maxOutput: MAX_OUTPUT,
    signal: call.signal,
    onStart: (joined) => call.emit({ type: 'command_start', exec_id: execId, command: cmd, joined }),
    onOutput: (stream, chunk) => {
      const text = decoders[stream].decode(chunk, { stream: true });
      if (text !== '') call.emit({ type: 'command_output', exec_id: execId, stream, text });
    },
  };
}

/** The engine waits no more. Work that is over for good is ended in the box, and what it came to is told. */
async function stopWaiting(held: HeldSlot, call: ActionCall, request: ExecRequest): Promise<never> {
  const { reason } = call.signal;
  if (isFlatMachineError(reason, 'timeout', 'cancelled')) {
    const { slotId, token, execId } = request;
    await held.environment.cancel(slotId, token, execId);
    const { signal: _signal, onStart: _onStart, onOutput: _onOutput, ...again } = request;
    tellEnd(call, execId, await held.environment.exec(again));
  }
  throw reason;
}

function tellEnd(call: ActionCall, execId: string, result: ExecResult): void {
  call.emit({
    type: 'command_end',
    exec_id: execId,
    outcome: result.outcome,
    returncode: result.returncode,
    duration_ms: result.duration_ms,
    output: tail(result.output),
    truncated: result.truncated,
  });
}
