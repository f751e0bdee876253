import type { Readable, Writable } from 'node:stream';

/** An open `supervisor.sh serve`, as a runner provides it. */
export interface ChannelStreams {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Lets go of it. The supervisor ends by itself once its running commands have. */
  close(): void;
}

/** How long the other end may leave a request without a sign: a supervisor that somebody has stopped never answers. */
const SILENCE_MS = 60_000;

/** The channel ended; the box may or may not live. */
export class ChannelClosed extends Error {}

/** What a line of a reply announces: so many bytes after it, and whether the reply ends there. */
export interface ReplyPart {
  bytes: number;
  last: boolean;
}

/** A reply of one line and nothing else. */
export const LINE_ONLY: ReplyPart = { bytes: 0, last: true };

/** Takes a reply apart as it comes in. */
export interface ReplyReader {
  line(text: string): ReplyPart;
  bytes?(chunk: Buffer): void;
}

interface Pending extends ReplyReader {
  resolve(): void;
  reject(error: Error): void;
}

/** What `D` says: the lane that is free again, the command, and its record. */
export interface DoneEvent {
  lane: string;
  key: string;
  record: string;
}

/** One channel: requests go out in order, replies come back in the same order, events whenever they happen. */
export class Channel {
  readonly #streams: ChannelStreams;
  readonly #onDone: (event: DoneEvent) => void;
  readonly #pending: Pending[] = [];
  readonly #freeLanes: string[] = [];
  #lanes = 0;
  #partial: Buffer[] = [];
  #bytesLeft = 0;
  #lastPart = true;
  #eventText = '';
  #closed: ChannelClosed | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Settles when the channel has ended, for whatever reason. */
  readonly ended: Promise<void>;

  constructor(streams: ChannelStreams, onDone: (event: DoneEvent) => void) {
    this.#streams = streams;
    this.#onDone = onDone;
    streams.stdout.on('data', (chunk: Buffer) => this.#onReplyBytes(chunk));
    streams.stderr.on('data', (chunk: Buffer) => this.#onEventBytes(chunk));
    this.ended = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#end(reason);
        resolve();
      };
      for (const stream of [streams.stdin, streams.stdout, streams.stderr]) {
        stream.on('error', (error: Error) => end(error.message));
      }
      streams.stdout.on('end', () => end('the supervisor ended'));
      streams.stdout.on('close', () => end('the supervisor ended'));
    });
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Sends a request line, and bytes after it if any, and reads its reply. @throws ChannelClosed */
  request(line: string, reader: ReplyReader, body?: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#pending.length === 0) this.#listen();
    return new Promise((resolve, reject) => {
      this.#pending.push({ line: (t) => reader.line(t), bytes: (c) => reader.bytes?.(c), resolve, reject });
      this.#streams.stdin.write(line);
      if (body !== undefined && body.length > 0) this.#streams.stdin.write(body);
    });
  }

  /** Sends a request whose reply is one line. @throws ChannelClosed */
  async ask(line: string, body?: Uint8Array): Promise<string> {
    let reply = '';
    const reader: ReplyReader = {
      line: (text) => {
        reply = text;
        return LINE_ONLY;
      },
    };
    await this.request(line, reader, body);
    return reply;
  }

  /** A lane that is free as far as this channel knows; given back by its `D` event or by {@link giveLane}. */
  takeLane(): string {
    return this.#freeLanes.pop() ?? String(++this.#lanes);
  }

  giveLane(lane: string): void {
    this.#freeLanes.push(lane);
  }

  close(): void {
    this.#end('it was closed');
  }

  /** From now on a sign of the other end is due. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#end('it does not answer');
      this.#streams.close();
    }, SILENCE_MS);
  }

  #end(reason: string): void {
    clearTimeout(this.#silence);
    if (this.#closed) return;
    this.#closed = new ChannelClosed(`the channel to the supervisor ended: ${reason}`);
    for (const pending of this.#pending.splice(0)) pending.reject(this.#closed);
    this.#streams.close();
  }

  #onReplyBytes(chunk: Buffer): void {
    this.#listen();
    let rest = chunk;
    while (rest.length > 0) {
      const pending = this.#pending[0];
      if (pending === undefined) return;
      if (this.#bytesLeft > 0) {
        const piece = rest.subarray(0, this.#bytesLeft);
        rest = rest.subarray(piece.length);
        this.#bytesLeft -= piece.length;
        pending.bytes?.(piece);
        if (this.#bytesLeft === 0 && this.#lastPart) this.#finish(pending);
        continue;
      }
      const newline = rest.indexOf(10);
      if (newline < 0) {
        this.#partial.push(rest);
        return;
      }
      const line = Buffer.concat([...this.#partial, rest.subarray(0, newline)]).toString('utf8');
      this.#partial = [];
      rest = rest.subarray(newline + 1);
      const part = pending.line(line);
      this.#bytesLeft = part.bytes;
      this.#lastPart = part.last;
      if (part.bytes === 0 && part.last) this.#finish(pending);
    }
  }

  #finish(pending: Pending): void {
    this.#pending.shift();
    if (this.#pending.length === 0) clearTimeout(this.#silence);
    pending.resolve();
  }

  #onEventBytes(chunk: Buffer): void {
    this.#eventText += chunk.toString('latin1');
    const lines = this.#eventText.split('\n');
    // what shells say on their own is no event; only a bounded rest is kept of it
    this.#eventText = (lines.pop() as string).slice(-4096);
    for (const line of lines) {
      const match = /^D (\d+) (\S+) (\S+) (end .* \.)$/.exec(line);
      if (!match) continue;
      const [, lane, slot, id, record] = match as unknown as [string, string, string, string, string];
      this.giveLane(lane);
      this.#onDone({ lane, key: `${slot}/${id}`, record });
    }
  }
}
