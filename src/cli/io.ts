import { jsonText } from './render/text.ts';

/** A standard stream whose reader may go away at any time. */
class Output {
  readonly #stream: NodeJS.WriteStream;
  #closed = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#closed = true;
      // The reader (`head`, a closed pager) has what it wanted: the work goes on without it.
      if (error.code === 'EPIPE') return;
      process.exitCode = 1;
      if (stream !== process.stderr) process.stderr.write(`error: stdout: ${error.message}\n`);
    });
  }

  /** The stream itself, for size and colour. */
  get stream(): NodeJS.WriteStream {
    return this.#stream;
  }

  /** Writes text as it is; nothing once the reader has gone. */
  write(text: string): void {
    if (!this.#closed) this.#stream.write(text);
  }

  /** Resolves when everything written is with the operating system, or the reader has gone. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) resolve();
      else this.#stream.write('', () => resolve());
    });
  }
}

/** Carries the result of a command and nothing else. */
export const stdout = new Output(process.stdout);

/** Carries everything for people: progress, hints, errors. */
export const stderr = new Output(process.stderr);

/** Writes a result: JSON in its one stable form. */
export function writeJson(value: unknown): void {
  stdout.write(`${jsonText(value, 2)}\n`);
}
