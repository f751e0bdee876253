import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** How long a server may take to end by itself after its input has ended, milliseconds. Many never do. */
const POLITE_MS = 150;

/** How long it may take after SIGTERM, milliseconds. */
const GRACE_MS = 500;

/** How much of what a server last wrote to stderr is kept, UTF-16 units. */
const MAX_STDERR = 2000;

/** Largest message of a server, bytes. */
const MAX_MESSAGE = 16 * 1024 * 1024;

const NEWLINE = 10;

/** A program that speaks MCP over stdin and stdout. */
export interface ServerProgram {
  command: string;
  args: readonly string[];
  /** All it gets. */
  env: Record<string, string>;
  cwd: string;
}

/** The SDK's way to read and write messages. */
export interface Wire {
  deserializeMessage(line: string): JSONRPCMessage;
  serializeMessage(message: JSONRPCMessage): string;
}

/** MCP over the pipes of a program that runs in a process group of its own, so that nothing it started is left when it is closed. */
export class GroupTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #program: ServerProgram;
  readonly #wire: Wire;
  /** The beginning of a message, as it came in, and its bytes. */
  #partial: Buffer[] = [];
  #size = 0;
  #child: ChildProcess | null = null;
  #stderr = '';
  /** Why it is not listened to any more. */
  #fault = '';

  constructor(program: ServerProgram, wire: Wire) {
    this.#program = program;
    this.#wire = wire;
  }

  /** How it ended, or what it last complained of, for messages; empty = nothing is known. */
  get complaint(): string {
    const code = this.#child?.exitCode;
    const signal = this.#child?.signalCode;
    const ended = signal ? `ended by ${signal}` : typeof code === 'number' ? `ended with code ${code}` : '';
    return [this.#fault, ended, this.#stderr.trim()].filter((text) => text !== '').join(': ');
  }

  async start(): Promise<void> {
    const { command, args, env, cwd } = this.#program;
    const child = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR);
    });
    child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.on('close', () => this.onclose?.());
    // Rejects with `error` when the program cannot be started.
    await once(child, 'spawn');
    child.on('error', (error) => this.onerror?.(error));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (!stdin?.writable) throw new Error('the server does not listen any more');
    if (stdin.writableLength > MAX_MESSAGE) throw new Error('the server does not read what it is sent');
    await new Promise<void>((resolve, reject) => {
      stdin.write(this.#wire.serializeMessage(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends the program: first politely, then by force, and with it all that is left of its group. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    child.stdin?.end();
    if (!(await endsWithin(child, POLITE_MS))) {
      killGroup(child.pid, 'SIGTERM');
      await endsWithin(child, GRACE_MS);
    }
    killGroup(child.pid, 'SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0 && this.#fault === ''; end = rest.indexOf(NEWLINE)) {
      this.#keep(rest.subarray(0, end));
      const line = Buffer.concat(this.#partial).toString('utf8');
      this.#partial = [];
      this.#size = 0;
      this.#hear(line);
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
  }

  #keep(piece: Buffer): void {
    if (this.#fault !== '') return;
    this.#partial.push(piece);
    this.#size += piece.length;
    if (this.#size <= MAX_MESSAGE) return;
    this.#partial = [];
    this.#fault = `it sent a message of more than ${MAX_MESSAGE / 1024 / 1024} MB`;
    this.close().catch((failure: Error) => this.onerror?.(failure));
  }

  /** Hands a message on; a line that is none, which programs print in their carelessness, is passed over. */
  #hear(line: string): void {
    if (this.#fault !== '' || line.trim() === '') return;
    try {
      this.onmessage?.(this.#wire.deserializeMessage(line));
    } catch (error) {
      this.onerror?.(error as Error);
    }
  }
}

async function endsWithin(child: ChildProcess, milliseconds: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  const timer = new AbortController();
  const ended = await Promise.race([
    once(child, 'exit').then(() => true),
    sleep(milliseconds, false, { signal: timer.signal }),
  ]);
  timer.abort();
  return ended;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
