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
}

/**
 * One signal for everything that stops a run from outside: interruption, cancellation, loss of the lease. The first
 * reason wins, save that losing the lease replaces any other: then nothing may be written any more.
 */
export class StopSource {
  readonly #controller = new AbortController();
  readonly #inputs: StopInputs;
  readonly #poll: NodeJS.Timeout;
  readonly #onInterrupt = () => this.#stop(new FlatMachineError('interrupted', 'the run was interrupted'));
  readonly #onLeaseLost = () => this.#stop(this.#leaseLost());
  #reason: FlatMachineError | null = null;

  constructor(inputs: StopInputs) {
    this.#inputs = inputs;
    listen(inputs.interrupt, this.#onInterrupt);
    listen(inputs.lease?.signal, this.#onLeaseLost);
    this.#poll = setInterval(() => this.#lookForCancellation(), CANCEL_POLL_MS);
    this.#poll.unref();
  }

  /** Aborts with {@link reason}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the run must stop, or null while it may go on. */
  get reason(): FlatMachineError | null {
    return this.#reason;
  }

  /** Stops listening. */
  close(): void {
    clearInterval(this.#poll);
    this.#inputs.interrupt?.removeEventListener('abort', this.#onInterrupt);
    this.#inputs.lease?.signal.removeEventListener('abort', this.#onLeaseLost);
  }

  #stop(reason: FlatMachineError): void {
    if (this.#reason !== null && reason.code !== 'lease-lost') return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }

  #leaseLost(): FlatMachineError {
    const reason: unknown = this.#inputs.lease?.signal.reason;
    return reason instanceof FlatMachineError
      ? reason
      : new FlatMachineError('lease-lost', 'the lease of this execution was lost', { cause: reason });
  }

  #lookForCancellation(): void {
    this.#inputs.persistence.cancelRequested(this.#inputs.executionId).then(
      (requested) => {
        if (requested) this.#stop(new FlatMachineError('cancelled', 'the execution was cancelled'));
      },
      () => {
        // A store that fails here fails at the next commit too, where the failure is reported.
      },
    );
  }
}

function listen(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal === undefined) return;
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}
