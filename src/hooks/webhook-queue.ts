import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../types.ts';
import { ATTEMPTS, type Delivery, deliver } from './webhook-delivery.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** Messages that wait for a slow receiver; more are dropped. */
const MAX_WAITING = 1000;

/** Characters of messages that wait; more are dropped. */
const MAX_WAITING_TEXT = 16 * 1024 * 1024;

/** How long the end of a run waits for messages still under way, milliseconds. */
const DRAIN_MS = 3000;

/** Messages on their way to one receiver: one at a time, in order, none of them waited for by who sends them. */
export class WebhookQueue {
  readonly #settings: WebhookSettings;
  readonly #clock: Clock;
  readonly #warn: (message: string) => void;
  readonly #stop = new AbortController();
  readonly #waiting: Delivery[] = [];
  #text = 0;
  #dropped = 0;
  /** Messages given up since the receiver last took one. More than none = it is taken for down: further messages get one try each. */
  #lost = 0;
  /** Settles once nothing waits any more; null = nothing does. */
  #working: Promise<void> | null = null;

  /** @param warn told of every loss, without anything secret */
  constructor(settings: WebhookSettings, clock: Clock, warn: (message: string) => void) {
    this.#settings = settings;
    this.#clock = clock;
    this.#warn = warn;
  }

  /** Sends a message as soon as those before it are delivered or given up. */
  add(event: string, body: string): void {
    if (this.#waiting.length >= MAX_WAITING || this.#text + body.length > MAX_WAITING_TEXT) {
      if (this.#dropped++ === 0) {
        this.#warn(`webhook: the receiver is too slow: messages are dropped from now on, first ${event}`);
      }
      return;
    }
    this.#waiting.push({ id: randomUUID(), event, body });
    this.#text += body.length;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** Waits a few seconds for what is under way and gives the rest up. */
  async close(): Promise<void> {
    if (this.#working !== null) {
      const soon = new AbortController();
      const late = sleep(DRAIN_MS, null, { signal: soon.signal }).catch(() => null);
      await Promise.race([this.#working, late]);
      soon.abort();
    }
    const left = this.#waiting.length + this.#lost;
    this.#stop.abort();
    await this.#working;
    if (left > 0) this.#warn(`webhook: at the end ${left} messages were not delivered`);
    if (this.#dropped > 0) {
      this.#warn(`webhook: ${this.#dropped} messages were dropped, too many were waiting`);
    }
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const tries = this.#lost === 0 ? ATTEMPTS : 1;
      const failure = await deliver(next, this.#settings, tries, this.#clock, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#account(next.event, failure);
      this.#waiting.shift();
      this.#text -= next.body.length;
    }
  }

  /** Tells of the first loss and of the end of a series of losses: a receiver that is down must not fill the log. */
  #account(event: string, failure: string | null): void {
    if (failure !== null) {
      if (this.#lost++ === 0) this.#warn(`webhook: ${event} was not delivered: ${failure}`);
    } else if (this.#lost > 0) {
      this.#warn(`webhook: the receiver answers again; ${this.#lost} messages were lost`);
      this.#lost = 0;
    }
  }
}
