import type { SlotBackend } from '../backends/interfaces.ts';
import type { HeldSlot } from './pool.ts';
import { makeMove } from './slot.ts';

/** The commands under way in a held slot: it is `executing` from the start of the first to the end of the last. */
export class Activity {
  readonly #slots: SlotBackend;
  readonly #held: HeldSlot;
  #running = 0;
  #moves: Promise<void> = Promise.resolve();

  constructor(slots: SlotBackend, held: HeldSlot) {
    this.#slots = slots;
    this.#held = held;
  }

  /** A command is about to start. @throws FlatMachineError `lease-lost`, `sandbox-lost` */
  async begin(): Promise<void> {
    this.#running++;
    try {
      await this.#settle();
    } catch (error) {
      this.#running--;
      throw error;
    }
  }

  /** A command has ended. @throws FlatMachineError `lease-lost`, `sandbox-lost` */
  async end(): Promise<void> {
    this.#running--;
    if (this.#running === 0) await this.#settle();
  }

  /** Nobody waits for a command any more; it may go on in the box, and so the slot stays as it is. */
  abandon(): void {
    this.#running--;
  }

  /** Moves are made one after another: each sees what the one before came to. */
  #settle(): Promise<void> {
    const move = this.#moves.then(async () => {
      const { slot } = this.#held;
      const busy = this.#running > 0;
      if (busy === (slot.state === 'executing')) return;
      this.#held.slot = await makeMove(this.#slots, slot, busy ? 'start' : 'finish');
    });
    this.#moves = move.catch(() => undefined);
    return move;
  }
}
