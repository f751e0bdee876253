/** Why a piece of work stops without an end: what it did so far stays, and a resume takes it up. */
export type PauseReason =
  | { readonly status: 'waiting'; readonly channel: string | null }
  | { readonly status: 'limit'; readonly message: string };

/**
 * Unwinds a piece of work that cannot go on now: the execution parks, with the work's journal and identity kept. Not an error: `on_error` and
 * hooks never see it, and whoever catches errors on the way lets it pass.
 */
export class Pause extends Error {
  readonly reason: PauseReason;

  constructor(reason: PauseReason) {
    super(reason.status === 'limit' ? reason.message : 'the execution waits');
    this.name = 'Pause';
    this.reason = reason;
  }
}
