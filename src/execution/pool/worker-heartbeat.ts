import type { RegistrationBackend, WorkerRecord, WorkerRegistration } from '../../backends/interfaces.ts';
import { isFlatMachineError, toError } from '../../errors.ts';

/** Seconds between heartbeats, unless told otherwise. */
export const DEFAULT_HEARTBEAT = 30;

/** A worker's place in the register, kept while this process lives: it beats by itself. Keeps no process alive. */
export class WorkerHeartbeat {
  readonly worker: WorkerRegistration;
  readonly #registration: RegistrationBackend;
  readonly #onError: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;

  /** @param onError told when a heartbeat could not be stored; the next one is tried all the same. Must not throw. */
  constructor(
    registration: RegistrationBackend,
    worker: WorkerRegistration,
    onError: (error: Error) => void,
  ) {
    this.#registration = registration;
    this.worker = worker;
    this.#onError = onError;
  }

  /** Registers the worker, and beats from now on. */
  async register(): Promise<WorkerRecord> {
    const record = await this.#registration.register(this.worker);
    this.#start();
    return record;
  }

  /** Beats now and from now on, for a worker that is registered. */
  async takeUp(): Promise<void> {
    await this.#beat();
    this.#start();
  }

  /** Beats no more. Resolves once no heartbeat is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#beating;
  }

  /** Stops, and registers the worker as `terminated`. */
  async terminate(): Promise<void> {
    await this.stop();
    await this.#registration.updateStatus(this.worker.worker_id, 'terminated');
  }

  #start(): void {
    const interval = (this.worker.heartbeat_interval ?? DEFAULT_HEARTBEAT) * 1000;
    this.#timer ??= setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = null;
      });
    }, interval).unref();
  }

  async #beat(): Promise<void> {
    try {
      await this.#registration.heartbeat(this.worker.worker_id);
    } catch (thrown) {
      if (!isFlatMachineError(thrown, 'lease-lost', 'not-found')) return this.#onError(toError(thrown));
      await this.#registerAgain();
    }
  }

  /** It was declared dead, e.g. because this process was stopped for long: it lives. What it had claimed is gone, which renewing tells. */
  async #registerAgain(): Promise<void> {
    try {
      await this.#registration.register(this.worker);
    } catch (thrown) {
      this.#onError(toError(thrown));
    }
  }
}
