import { crashPoint } from '../../crash-points.ts';
import { FlatMachineError, isFlatMachineError } from '../../errors.ts';
import type { ExecRequest, ExecResult } from '../interfaces.ts';
import type { Box } from './box.ts';
import { type Channel, ChannelClosed } from './channel.ts';
import type { Connection } from './connection.ts';
import { jobText } from './job.ts';
import { LiveOutput } from './live-output.ts';
import { fetchOutput } from './output.ts';
import { checkId, requestLine } from './quote.ts';
import { parseRecord } from './record.ts';
import { checkReply } from './replies.ts';
import { finishedResult, lostResult } from './result.ts';
import type { Waiter, Waiters } from './waiters.ts';

const DEFAULT_KEEP = 1024 * 1024;
/** How often a command whose end is announced is asked after all the same: its lane may have been killed. */
const CHECK_MS = 1000;
const FASTEST_POLL_MS = 20;
const SLOWEST_POLL_MS = 200;

/** What commands of one environment share. */
export interface CommandContext {
  box: Box;
  connection: Connection;
  waiters: Waiters;
}

/** Runs, joins or replays one command: see {@link ExecRequest}. */
export async function execCommand(context: CommandContext, request: ExecRequest): Promise<ExecResult> {
  const command = new Command(context, request);
  const started = performance.now();
  try {
    return await command.run();
  } catch (thrown) {
    if (isFlatMachineError(thrown, 'sandbox-lost')) return lostResult(performance.now() - started);
    throw thrown;
  } finally {
    command.leave();
  }
}

class Command {
  readonly #context: CommandContext;
  readonly #request: ExecRequest;
  readonly #waiter: Waiter;
  readonly #live: LiveOutput | undefined;
  readonly #line: (lane: string) => string;
  #announced = false;
  #replayed = false;

  constructor(context: CommandContext, request: ExecRequest) {
    const {
      slotId,
      token,
      execId,
      timeout = 0,
      maxOutput = DEFAULT_KEEP,
      outputLimit = 0,
      onOutput,
    } = request;
    checkId('slot', slotId);
    checkId('exec', execId);
    const job = jobText(context.box, request);
    const numbers = [
      hundredths(timeout),
      natural('maxOutput', maxOutput),
      natural('outputLimit', outputLimit),
    ] as const;
    this.#line = (lane) => requestLine('exec_command', lane, slotId, token, execId, ...numbers, job);
    this.#context = context;
    this.#request = request;
    this.#live = onOutput && new LiveOutput(onOutput, slotId, execId);
    this.#waiter = context.waiters.enter(`${slotId}/${execId}`);
    request.signal?.addEventListener('abort', this.#wake);
  }

  readonly #wake = () => this.#waiter.wake();

  leave(): void {
    this.#waiter.leave();
    this.#live?.stop();
    this.#request.signal?.removeEventListener('abort', this.#wake);
  }

  async run(): Promise<ExecResult> {
    const { connection } = this.#context;
    const { slotId, execId, maxOutput = DEFAULT_KEEP } = this.#request;
    this.#assertWanted();
    crashPoint('command.before-send');
    const record = parseRecord(await this.#whileWanted(connection.use((channel) => this.#record(channel))));
    const kept = await this.#whileWanted(
      connection.use((channel) => fetchOutput(channel, slotId, execId, record, maxOutput)),
    );
    crashPoint('command.finished');
    this.#live?.finish(kept);
    return finishedResult(this.#request, record, kept, this.#replayed);
  }

  /** Starts the command unless it is known, and waits for its record. */
  async #record(channel: Channel): Promise<string> {
    const reply = await this.#send(channel);
    const rest = checkReply(
      reply,
      this.#request.slotId,
      'run a command',
      'started',
      'running',
      'end',
      'lost',
    );
    if (reply.startsWith('end')) {
      this.#replayed = !this.#announced;
      return reply;
    }
    if (reply.startsWith('lost')) throw this.#lost(rest);
    const joined = reply === 'running';
    if (!this.#announced) this.#request.onStart?.(joined);
    this.#announced = true;
    void this.#live?.follow(channel);
    return this.#await(channel, joined);
  }

  async #send(channel: Channel): Promise<string> {
    const { slotId, token, execId, stdin } = this.#request;
    const lane = channel.takeLane();
    const fed =
      stdin === undefined || stdin.length === 0
        ? undefined
        : channel.ask(requestLine('stdin_of', slotId, token, execId, stdin.length), stdin);
    const sent = channel.ask(this.#line(lane));
    crashPoint('command.sent');
    const [, reply] = await Promise.all([
      fed?.then((text) => checkReply(text, slotId, 'take the input', 'ok')),
      sent,
    ]);
    if (reply !== 'started') channel.giveLane(lane);
    return reply;
  }

  /** A command of this channel announces its end; one of another is asked after until it has ended. */
  async #await(channel: Channel, joined: boolean): Promise<string> {
    const { slotId, token, execId } = this.#request;
    const status = requestLine('status', slotId, token, execId);
    let pause = joined ? FASTEST_POLL_MS : CHECK_MS;
    while (true) {
      await this.#waiter.wait(pause);
      this.#assertWanted();
      if (this.#waiter.record !== undefined) return this.#waiter.record;
      if (!channel.isOpen) throw new ChannelClosed('the channel ended while a command ran');
      const reply = await channel.ask(status);
      const rest = checkReply(reply, slotId, 'follow a command', 'end', 'running', 'lost', 'unknown');
      if (reply.startsWith('end')) return reply;
      if (reply !== 'running') throw this.#lost(rest);
      if (joined) pause = Math.min(SLOWEST_POLL_MS, pause * 2);
    }
  }

  #assertWanted(): void {
    if (this.#request.signal?.aborted) throw this.#unwanted();
  }

  #unwanted(): FlatMachineError {
    const { execId, signal } = this.#request;
    return new FlatMachineError('cancelled', `nobody waits for command ${execId} any more`, {
      cause: signal?.reason,
    });
  }

  /** Stops waiting at once when the caller does, even if the box does not answer. */
  #whileWanted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#request;
    if (signal === undefined) return work;
    return new Promise((resolve, reject) => {
      const stop = () => reject(this.#unwanted());
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  #lost(detail: string): FlatMachineError {
    const { slotId, execId } = this.#request;
    return new FlatMachineError(
      'sandbox-lost',
      `command ${execId} of slot ${slotId} was lost ${detail}`.trim(),
    );
  }
}

function hundredths(seconds: number): number {
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new FlatMachineError('usage', `a timeout cannot be ${seconds} seconds`);
  }
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 100));
}

function natural(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new FlatMachineError('usage', `${name} cannot be ${value}`);
  return value;
}
