import type { Lease, PersistenceBackend } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';

/** How often a run looks whether somebody asked for its cancellation, milliseconds. */
const CANCEL_POLL_MS = 500;

/** What can end a run from outside. */
export interface StopInputs {
  executionId: string;
  lease: Lease | null;
  persistence: PersistenceBackend;
  /** Aborted by SIGINT, SIGTERM or the caller: the run stops at the next safe point and can be resumed. */
  interrupt: AbortSignal | undefined;
  /** Aborted by a parent that has no use for this child any more. */
  cancel: AbortSignal | undefined;
}

/**
 * One signal for everything that stops a run from outside: interruption, cancellation, loss of the lease. The first
 * reason wins, save that losing the lease replaces any other: then nothing may be written any more. Costs next to nothing until it is watched:
 * most children end sooner than that would pay.
 */
export class StopSource {
  readonly #inputs: StopInputs;
  readonly #onInterrupt = () => this.#stop(new FlatMachineError('interrupted', 'the run was interrupted'));
  readonly #onCancel = () => this.#stop(cancelledError());
  readonly #onLeaseLost = () => this.#stop(this.#leaseLost());
  #controller: AbortController | null = null;
  #poll: NodeJS.Timeout | undefined;
  #reason: FlatMachineError | null = null;

  constructor(inputs: StopInputs) {
    this.#inputs = inputs;
  }

  /** Aborts with {@link reason}. Asking for it begins the watch. */
  get signal(): AbortSignal {
    return this.watch().signal;
  }

  /** Why the run must stop, or null while it may go on. */
  get reason(): FlatMachineError | null {
    if (this.#controller !== null) return this.#reason;
    const { interrupt, cancel, lease } = this.#inputs;
    if (lease?.signal.aborted && this.#reason?.code !== 'lease-lost') this.#onLeaseLost();
    else if (this.#reason === null && cancel?.aborted) this.#onCancel();
    else if (this.#reason === null && interrupt?.aborted) this.#onInterrupt();
    return this.#reason;
  }

  /** Listens from now on, and looks now and then whether somebody has asked for the cancellation. */
  watch(): AbortController {
    if (this.#controller !== null) return this.#controller;
    const { reason } = this;
    const { interrupt, cancel, lease } = this.#inputs;
    this.#controller = new AbortController();
    if (reason !== null) this.#controller.abort(reason);
    interrupt?.addEventListener('abort', this.#onInterrupt, { once: true });
    cancel?.addEventListener('abort', this.#onCancel, { once: true });
    lease?.signal.addEventListener('abort', this.#onLeaseLost, { once: true });
    this.#poll = setInterval(() => {
      // A store that fails here fails at the next commit too, where the failure is reported.
      this.look().catch(() => {});
    }, CANCEL_POLL_MS);
    this.#poll.unref();
    return this.#controller;
  }

  /** Stops listening. */
  close(): void {
    if (this.#controller === null) return;
    clearInterval(this.#poll);
    this.#inputs.interrupt?.removeEventListener('abort', this.#onInterrupt);
    this.#inputs.cancel?.removeEventListener('abort', this.#onCancel);
    this.#inputs.lease?.signal.removeEventListener('abort', this.#onLeaseLost);
  }

  #stop(reason: FlatMachineError): void {
    if (this.#reason !== null && reason.code !== 'lease-lost') return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #leaseLost(): FlatMachineError {
    const reason: unknown = this.#inputs.lease?.signal.reason;
    return reason instanceof FlatMachineError
      ? reason
      : new FlatMachineError('lease-lost', 'the lease of this execution was lost', { cause: reason });
  }

  /** Looks now whether somebody has asked for the cancellation. */
  async look(): Promise<void> {
    if (await this.#inputs.persistence.cancelRequested(this.#inputs.executionId))
      this.#stop(cancelledError());
  }
}

function cancelledError(): FlatMachineError {
  return new FlatMachineError('cancelled', 'the execution was cancelled');
}
