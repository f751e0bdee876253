import { setTimeout as sleep } from 'node:timers/promises';
import { FlatMachineError, toError } from '../../errors.ts';
import type { Box } from './box.ts';
import { Channel, ChannelClosed, type DoneEvent } from './channel.ts';
import { SlotUnopened } from './replies.ts';

/** How long a living box may refuse channels, e.g. while a fork bomb leaves it no process, before it counts as lost. */
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 500;
/** How long a new channel may take to answer. */
const ANSWER_MS = 10_000;
/** How often the box is looked after while it does not answer. */
const LIVENESS_MS = 250;

/** Keeps one channel to a box open, and opens another when it ends while the box lives. */
export class Connection {
  readonly #box: Box;
  readonly #onDone: (event: DoneEvent) => void;
  readonly #onEnd: () => void;
  #opening: Promise<Channel> | undefined;
  #channel: Channel | undefined;
  #closed: 'open' | 'closed' | 'destroyed' = 'open';

  constructor(box: Box, onDone: (event: DoneEvent) => void, onEnd: () => void) {
    this.#box = box;
    this.#onDone = onDone;
    this.#onEnd = onEnd;
  }

  /**
   * Does `work` over the channel, again over a new one when that ends meanwhile. Requests may come twice and must not mind.
   * @throws FlatMachineError `sandbox-lost` when the box is gone
   */
  async use<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    let giveUpAt = performance.now() + PATIENCE_MS;
    for (let pause = 10; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      const began = performance.now();
      try {
        return await work(await this.#open());
      } catch (thrown) {
        // a box that was taken away under its supervisor knows no slots any more
        if (thrown instanceof SlotUnopened) await this.#assertAlive(thrown);
        if (!(thrown instanceof ChannelClosed)) throw thrown;
        this.#assertOpen();
        await this.#assertAlive(thrown);
        const now = performance.now();
        // a channel that had worked for long deserves patience anew
        if (now - began > PATIENCE_MS) giveUpAt = now + PATIENCE_MS;
        if (now > giveUpAt) throw lost(this.#box, 'it lives but does not answer', thrown);
        await sleep(pause);
      }
    }
  }

  /** A channel of its own, for what would keep the others waiting. The caller closes it. */
  async separate(): Promise<Channel> {
    this.#assertOpen();
    try {
      return await openChannel(this.#box, () => {});
    } catch (thrown) {
      await this.#assertAlive(toError(thrown));
      throw thrown;
    }
  }

  /** Ends it; whatever is under way fails, as lost if the box is `destroyed` with it. */
  close(how: 'closed' | 'destroyed' = 'closed'): void {
    if (this.#closed !== 'destroyed') this.#closed = how;
    this.#channel?.close();
    this.#channel = undefined;
  }

  #assertOpen(): void {
    if (this.#closed === 'destroyed') throw lost(this.#box, 'it was destroyed');
    if (this.#closed === 'closed') throw closedError(this.#box);
  }

  async #assertAlive(cause: Error): Promise<void> {
    // a tool that does not answer leaves the question open
    const alive = await this.#box.alive().catch(() => true);
    if (!alive) throw lost(this.#box, 'it is gone', cause);
  }

  #open(): Promise<Channel> {
    if (this.#channel?.isOpen) return Promise.resolve(this.#channel);
    if (this.#closed !== 'open') return Promise.reject(new ChannelClosed('the connection was closed'));
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<Channel> {
    const channel = await openChannel(this.#box, this.#onDone).catch((thrown) => {
      throw new ChannelClosed(toError(thrown).message, { cause: thrown });
    });
    this.#channel = channel;
    void channel.ended.then(() => this.#onEnd());
    if (this.#closed !== 'open') {
      channel.close();
      throw new ChannelClosed('the connection was closed');
    }
    return channel;
  }
}

/** A channel whose other end has answered. */
async function openChannel(box: Box, onDone: (event: DoneEvent) => void): Promise<Channel> {
  const channel = new Channel(await box.openChannel(), onDone);
  const giveUpAt = performance.now() + ANSWER_MS;
  const timer = setInterval(async () => {
    const alive = await box.alive().catch(() => true);
    if (!alive || performance.now() > giveUpAt) channel.close();
  }, LIVENESS_MS);
  try {
    await channel.ask('hello\n');
    return channel;
  } finally {
    clearInterval(timer);
  }
}

function lost(box: Box, why: string, cause?: Error): FlatMachineError {
  const message = `the ${box.runner} environment ${box.id} is lost: ${why}`;
  return new FlatMachineError('sandbox-lost', message, cause && { cause });
}

function closedError(box: Box): FlatMachineError {
  return new FlatMachineError(
    'interrupted',
    `the connection to the ${box.runner} environment ${box.id} was closed`,
  );
}
