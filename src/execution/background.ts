import { toError } from '../errors.ts';

/** Work of one process that outlives the call that began it. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  #errors: Error[] = [];

  /** Takes charge of a piece of work. */
  add(work: Promise<unknown>): void {
    const entry: Promise<void> = work
      .then(
        () => {},
        (thrown: unknown) => {
          this.#errors.push(toError(thrown));
        },
      )
      .finally(() => this.#running.delete(entry));
    this.#running.add(entry);
  }

  /** Waits until nothing is left running. @throws what the work threw, several as an AggregateError; once */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const errors = this.#errors;
    this.#errors = [];
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
  }
}
