import { crashPoint } from '../../crash-points.ts';
import { FlatMachineError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';
import type {
  Environment,
  ExecRequest,
  ExecResult,
  FreezeLevel,
  SnapshotReference,
  UploadFile,
} from '../interfaces.ts';
import type { Box } from './box.ts';
import type { Channel } from './channel.ts';
import { type CommandContext, execCommand } from './command.ts';
import { Connection } from './connection.ts';
import { archiveWorkspace } from './freeze.ts';
import { preludeText } from './job.ts';
import { checkId, requestLine, workspacePath } from './quote.ts';
import { checkReply } from './replies.ts';
import { Waiters } from './waiters.ts';

const DEFAULT_DOWNLOAD = 64 * 1024 * 1024;
const BLOCK = 4096;

/** An environment of any runner: its box, and the supervisor in it. */
export class SupervisedEnvironment implements Environment {
  readonly id: string;
  readonly runner: string;
  readonly address: string;
  readonly #box: Box;
  readonly #connection: Connection;
  readonly #context: CommandContext;

  constructor(box: Box) {
    this.id = box.id;
    this.runner = box.runner;
    this.address = box.address;
    this.#box = box;
    const waiters = new Waiters();
    this.#connection = new Connection(
      box,
      ({ key, record }) => waiters.settle(key, record),
      () => waiters.wakeAll(),
    );
    this.#context = { box, connection: this.#connection, waiters };
  }

  async openSlot(slotId: string, token: number): Promise<string> {
    checkId('slot', slotId);
    return this.#ask('open the slot', 'open_slot', slotId, token, preludeText(this.#box, slotId));
  }

  async exec(request: ExecRequest): Promise<ExecResult> {
    checkToken(request.token);
    return execCommand(this.#context, request);
  }

  async cancel(slotId: string, token: number, execId: string): Promise<void> {
    checkId('exec', execId);
    await this.#ask('cancel a command', 'stop_command', slotId, token, execId, 'cancelled');
  }

  async stopProcesses(slotId: string, token: number): Promise<number> {
    return Number(await this.#ask('stop the processes', 'stop_slot', slotId, token));
  }

  async upload(slotId: string, token: number, files: readonly UploadFile[]): Promise<void> {
    checkId('slot', slotId);
    checkToken(token);
    const requests = files.map(({ path, content, mode = 0o644 }) => ({
      line: requestLine(
        'upload',
        slotId,
        token,
        workspacePath(path),
        (mode & 0o7777).toString(8),
        content.length,
      ),
      content,
    }));
    crashPoint('upload.before');
    await this.#connection.use(async (channel) => {
      const replies = await Promise.all(requests.map(({ line, content }) => channel.ask(line, content)));
      for (const reply of replies) checkReply(reply, slotId, 'take a file', 'ok');
    });
    crashPoint('upload.after');
  }

  async download(
    slotId: string,
    token: number,
    path: string,
    maxBytes = DEFAULT_DOWNLOAD,
  ): Promise<Uint8Array> {
    checkId('slot', slotId);
    checkToken(token);
    const blocks = Math.floor(maxBytes / BLOCK) + 1;
    const line = requestLine('download', slotId, token, workspacePath(path), blocks);
    const content = await this.#connection.use((channel) => receiveFile(channel, line, slotId));
    if (content.length > maxBytes) {
      throw new FlatMachineError('too-large', `${path} is larger than ${maxBytes} bytes`, {
        details: { path, maxBytes },
      });
    }
    return content;
  }

  async freeze(slotId: string, token: number, name: string, level: FreezeLevel): Promise<SnapshotReference> {
    checkId('slot', slotId);
    checkId('snapshot', name);
    checkToken(token);
    crashPoint('freeze.before');
    const reference = await this.#freeze(slotId, token, name, level);
    crashPoint('freeze.after');
    return { reference, level, runner: this.runner };
  }

  async #freeze(slotId: string, token: number, name: string, level: FreezeLevel): Promise<string> {
    if (level === 'workspace') {
      const open = () => this.#connection.separate();
      return archiveWorkspace(open, slotId, token, this.#box.snapshotDir, name);
    }
    if (level === 'filesystem' && this.#box.freezeFilesystem) {
      // the fence first: a commit cannot be taken back
      const status = await this.#connection.use((c) => c.ask(requestLine('status', slotId, token, name)));
      checkReply(status, slotId, 'freeze', 'unknown', 'running', 'end', 'lost');
      return this.#box.freezeFilesystem(name);
    }
    throw new FlatMachineError('capability', `the runner ${this.runner} cannot freeze the ${level}`);
  }

  async resetSlot(slotId: string, token: number): Promise<void> {
    await this.#ask('reset the slot', 'reset_slot', slotId, token);
  }

  async describe(): Promise<JsonObject> {
    const reply = await this.#connection.use((channel) => channel.ask('hello\n'));
    const [, , polls] = reply.split(' ');
    return {
      id: this.id,
      runner: this.runner,
      address: this.address,
      data_dir: this.#box.dataDir,
      timer_resolution_ms: polls === '1' ? 10 : 100,
      ...(await this.#box.facts()),
    };
  }

  async destroy(): Promise<void> {
    this.#connection.close('destroyed');
    await this.#box.destroy();
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #ask(what: string, name: string, slotId: string, token: number, ...words: string[]): Promise<string> {
    checkId('slot', slotId);
    checkToken(token);
    const line = requestLine(name, slotId, token, ...words);
    return checkReply(await this.#connection.use((channel) => channel.ask(line)), slotId, what, 'ok');
  }
}

function checkToken(token: number): void {
  if (!Number.isSafeInteger(token) || token < 0)
    throw new FlatMachineError('usage', `${token} is no fencing token`);
}

async function receiveFile(channel: Channel, line: string, slotId: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let reply = '';
  await channel.request(line, {
    line: (text) => {
      reply = text;
      return { bytes: Number(/^ok (\d+)$/.exec(text)?.[1] ?? 0), last: true };
    },
    bytes: (chunk) => chunks.push(Buffer.from(chunk)),
  });
  checkReply(reply, slotId, 'read a file', 'ok');
  return Buffer.concat(chunks);
}
