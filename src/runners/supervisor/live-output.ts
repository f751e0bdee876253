import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecRequest } from '../interfaces.ts';
import type { Channel } from './channel.ts';
import type { KeptStream } from './output.ts';
import { requestLine } from './quote.ts';

const BLOCK = 4096;
/** Blocks fetched at a time: 256 KiB. */
const BLOCKS = 64;
const FASTEST_MS = 20;
const SLOWEST_MS = 200;

type Listener = NonNullable<ExecRequest['onOutput']>;

/**
 * Hands a running command's output on as it grows: the head while the command runs, the rest of what is kept when it has
 * ended. Asks the box often while there is news and seldom while there is none.
 */
export class LiveOutput {
  readonly #listener: Listener;
  readonly #slotId: string;
  readonly #execId: string;
  readonly #shown = { stdout: 0, stderr: 0 };
  readonly #stop = new AbortController();

  constructor(listener: Listener, slotId: string, execId: string) {
    this.#listener = listener;
    this.#slotId = slotId;
    this.#execId = execId;
  }

  /** Follows the command over `channel` until {@link finish} or the channel's end; never rejects. */
  async follow(channel: Channel): Promise<void> {
    let pause = FASTEST_MS;
    while (!this.#stop.signal.aborted && channel.isOpen) {
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (this.#stop.signal.aborted) return;
      try {
        const news = (await this.#fetch(channel, 'stdout')) + (await this.#fetch(channel, 'stderr'));
        pause = news > 0 ? FASTEST_MS : Math.min(SLOWEST_MS, pause * 2);
      } catch {
        // the channel has ended: whoever waits for the command opens another and follows that
        return;
      }
    }
  }

  /** The command has ended: hands over what was not shown yet. */
  finish(kept: { stdout: KeptStream; stderr: KeptStream }): void {
    this.#stop.abort();
    for (const stream of ['stdout', 'stderr'] as const) {
      const { head, tail } = kept[stream];
      this.#emit(stream, head.subarray(this.#shown[stream]));
      this.#emit(stream, tail);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #fetch(channel: Channel, stream: 'stdout' | 'stderr'): Promise<number> {
    const offset = this.#shown[stream];
    const skip = Math.floor(offset / BLOCK);
    const chunks: Buffer[] = [];
    await channel.request(
      requestLine('live', this.#slotId, this.#execId, stream === 'stdout' ? 'o' : 'e', skip, BLOCKS),
      {
        line: (text) => ({ bytes: Number(/^ok (\d+)$/.exec(text)?.[1] ?? 0), last: true }),
        bytes: (chunk) => chunks.push(Buffer.from(chunk)),
      },
    );
    const fresh = Buffer.concat(chunks).subarray(offset - skip * BLOCK);
    if (this.#stop.signal.aborted) return 0;
    this.#shown[stream] += fresh.length;
    this.#emit(stream, fresh);
    return fresh.length;
  }

  #emit(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    if (chunk.length > 0) this.#listener(stream, chunk);
  }
}
