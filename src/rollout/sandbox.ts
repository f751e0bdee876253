import { randomUUID } from 'node:crypto';
import { FlatMachineError } from '../errors.ts';
import type { WorkCall } from '../execution/interfaces.ts';
import type { Sandbox, SandboxCommand, SandboxResult } from '../execution/tools/interfaces.ts';
import type { ExecResult } from '../runners/interfaces.ts';
import { workspacePath } from '../runners/supervisor/quote.ts';
import type { JsonObject } from '../types.ts';
import { runCommand, tail } from './command.ts';
import { workName } from './identity.ts';
import { inHeldSlot, sandboxLost } from './lost.ts';
import type { HeldSlot } from './pool.ts';
import type { RolloutSession } from './session.ts';

/** Seconds that writing a file may take. */
const WRITE_TIMEOUT = 60;

/** Exit codes of {@link writeScript}: nothing else in it ends with one of them. */
const IS_LINK = 81;
const IN_THE_WAY = 82;

/**
 * The slot this execution holds, for one piece of work. Commands run one at a time or several at once; what the agent
 * may have put in the way (links, pipes, directories) is met by commands in its own box, never by the supervisor.
 * @throws FlatMachineError `illegal-slot-move` when none was acquired, `sandbox-lost`, `lease-lost`
 */
export async function slotSandbox(
  session: RolloutSession,
  context: JsonObject,
  call: WorkCall,
): Promise<Sandbox> {
  const held = await session.track(session.held(context, call));
  return {
    workspace: held.workspace,
    run: (command) => session.track(run(session, held, call, command)),
    readFile: (path, maxBytes) => {
      const { slot_id, token } = held.slot;
      return session.track(inHeldSlot(held.environment.download(slot_id, token, path, maxBytes)));
    },
    writeFile: async (path, content) => session.track(writeFile(held, call, workspacePath(path), content)),
  };
}

async function run(
  session: RolloutSession,
  held: HeldSlot,
  call: WorkCall,
  command: SandboxCommand,
): Promise<SandboxResult> {
  call.signal.throwIfAborted();
  const { output, stdout, stderr, returncode, timed_out, truncated, outcome } = await runCommand(
    session,
    held,
    call,
    command,
  );
  return { output, stdout, stderr, returncode, timed_out, truncated, outcome };
}

/** Puts the content beside the file and moves it into place, so that whoever is killed on the way leaves the old file or the new one. */
async function writeFile(held: HeldSlot, call: WorkCall, path: string, content: Uint8Array): Promise<void> {
  const id = randomUUID();
  const result = await execUntold(
    held,
    call,
    `${workName(call.workId)}.write-${id}`,
    writeScript(path, id),
    content,
  );
  if (result.outcome === 'ok') return;
  if (result.outcome === 'sandbox_lost') {
    throw sandboxLost(`the box was lost while ${path} was written`);
  }
  if (result.returncode === IS_LINK) {
    throw new FlatMachineError(
      'unsafe-path',
      `a directory of ${path} is a link, which may lead out of the workspace`,
    );
  }
  if (result.returncode === IN_THE_WAY) {
    throw new FlatMachineError(
      'already-exists',
      `${path} cannot be written: a file or directory is in the way`,
    );
  }
  throw new FlatMachineError(
    'tool',
    `${path} cannot be written: ${tail(result.output).trim() || result.outcome}`,
  );
}

async function execUntold(
  held: HeldSlot,
  call: WorkCall,
  execId: string,
  cmd: string,
  stdin: Uint8Array,
): Promise<ExecResult> {
  call.signal.throwIfAborted();
  const { slot_id: slotId, token } = held.slot;
  try {
    return await inHeldSlot(
      held.environment.exec({
        slotId,
        token,
        execId,
        cmd,
        stdin,
        timeout: WRITE_TIMEOUT,
        signal: call.signal,
      }),
    );
  } catch (error) {
    call.signal.throwIfAborted();
    throw error;
  }
}

/** Reads a file's new content from stdin. Links are not followed, and the mode of a file that was there stays. */
function writeScript(path: string, id: string): string {
  const parts = path.split('/');
  const directories = parts.slice(0, -1).map((_, i) => quoted(parts.slice(0, i + 1).join('/')));
  const directory = parts.length === 1 ? '.' : (directories.at(-1) as string);
  const file = quoted(path);
  const fresh = quoted([...parts.slice(0, -1), `.write-${id}`].join('/'));
  return [
    ...directories.map((name) => `[ ! -L ${name} ] || exit ${IS_LINK}`),
    `mkdir -p ${directory} 2>/dev/null || exit ${IN_THE_WAY}`,
    `[ ! -d ${file} ] || exit ${IN_THE_WAY}`,
    `if [ -f ${file} ] && [ ! -L ${file} ]; then cp -p ${file} ${fresh} || exit 1; fi`,
    `if cat >${fresh} && mv -f ${fresh} ${file}; then exit 0; fi`,
    `rm -f ${fresh}`,
    'exit 1',
  ].join('\n');
}

function quoted(path: string): string {
  return `'./${path.replaceAll("'", "'\\''")}'`;
}
