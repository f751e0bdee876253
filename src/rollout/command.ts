import { isFlatMachineError } from '../errors.ts';
import type { WorkCall } from '../execution/interfaces.ts';
import type { SandboxCommand } from '../execution/tools/interfaces.ts';
import type { ExecRequest, ExecResult } from '../runners/interfaces.ts';
import { workName } from './identity.ts';
import { inHeldSlot, sandboxLost } from './lost.ts';
import type { HeldSlot } from './pool.ts';
import type { RolloutSession } from './session.ts';

/** What is kept of a command's output in events and context, bytes. */
const TAIL = 4096;

/** Bytes kept of each stream while a command runs. */
const MAX_OUTPUT = 256 * 1024;

/**
 * Runs a command in the held slot, or collects it if it ran already, and tells of it in events.
 * A timeout or a cancellation of the state ends the command; an interruption or a lost lease leaves it to whoever resumes.
 * @throws FlatMachineError `sandbox-lost`, `lease-lost`; the signal's reason
 */
export async function runCommand(
  session: RolloutSession,
  held: HeldSlot,
  call: WorkCall,
  command: SandboxCommand,
): Promise<ExecResult> {
  const activity = session.activity(held);
  const request = execRequest(held, call, command);
  const { execId } = request;
  await activity.begin();
  let result: ExecResult;
  try {
    result = await inHeldSlot(held.environment.exec(request));
  } catch (error) {
    activity.abandon();
    if (call.signal.aborted) await stopWaiting(held, call, request);
    throw error;
  }
  tellEnd(call, execId, result);
  if (result.outcome === 'sandbox_lost') {
    activity.abandon();
    throw sandboxLost(`the box was lost while ${execId} ran`, { exec_id: execId });
  }
  await activity.end();
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

function execRequest(held: HeldSlot, call: WorkCall, command: SandboxCommand): ExecRequest {
  const { id, cmd, timeout, env, cwd, stdin } = command;
  const execId = `${workName(call.workId)}.${id}`;
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return {
    slotId: held.slot.slot_id,
    token: held.slot.token,
    execId,
    cmd,
    ...(Number.isFinite(timeout) ? { timeout } : {}),
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin) }),
    maxOutput: MAX_OUTPUT,
    signal: call.signal,
    onStart: (joined) => call.emit({ type: 'command_start', exec_id: execId, command: cmd, joined }),
    onOutput: (stream, chunk) => {
      const text = decoders[stream].decode(chunk, { stream: true });
      if (text === '') return;
      call.emit({ type: 'command_output', exec_id: execId, stream, text });
      command.onOutput?.(text);
    },
  };
}

/** The engine waits no more. Work that is over for good is ended in the box, and what it came to is told. */
async function stopWaiting(held: HeldSlot, call: WorkCall, request: ExecRequest): Promise<never> {
  const { reason } = call.signal;
  if (isFlatMachineError(reason, 'timeout', 'cancelled')) {
    const { slotId, token, execId } = request;
    await held.environment.cancel(slotId, token, execId);
    const { signal: _signal, onStart: _onStart, onOutput: _onOutput, ...again } = request;
    tellEnd(call, execId, await held.environment.exec(again));
  }
  throw reason;
}

function tellEnd(call: WorkCall, execId: string, result: ExecResult): void {
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
