import type { Claim, WorkPool } from '../../backends/interfaces.ts';
import { toError } from '../../errors.ts';

/** How claims are kept. */
export interface ClaimKeeperOptions {
  /** Milliseconds a claim lives; it is renewed three times in that. */
  lease: number;
  /** Told, once, of a claim that is not ours any more. Must not throw. */
  onLost: (claim: Claim, pool: string) => void;
  /** Told when the store could not be asked; it is asked again. Must not throw. */
  onError: (error: Error) => void;
}

/** Renews claims while this process lives. Keeps no process alive. */
export class ClaimKeeper {
  readonly #options: ClaimKeeperOptions;
  readonly #held = new Map<string, { pool: WorkPool; claim: Claim }>();
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;

  constructor(options: ClaimKeeperOptions) {
    this.#options = options;
  }

  /** Renews this claim from now on. */
  hold(pool: WorkPool, { id, claim_token }: Claim): void {
    this.#held.set(keyOf(pool, id), { pool, claim: { id, claim_token } });
    this.#timer ??= setInterval(() => void this.renew(), this.#options.lease / 3).unref();
  }

  /** Lets go of an item; its claim is left as it is. */
  drop(pool: WorkPool, id: string): void {
    this.#held.delete(keyOf(pool, id));
  }

  /** The claim of an item that is held here, or null. */
  claim(pool: WorkPool, id: string): Claim | null {
    return this.#held.get(keyOf(pool, id))?.claim ?? null;
  }

  /** Everything held now. */
  held(): { pool: WorkPool; claim: Claim }[] {
    return [...this.#held.values()];
  }

  /** Lets go of everything. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#held.clear();
  }

  /** Renews now, beside what happens by itself; nothing while that is under way. Never throws. */
  async renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      const pools = new Map<WorkPool, Claim[]>();
      for (const { pool, claim } of this.#held.values()) {
        const claims = pools.get(pool) ?? [];
        claims.push(claim);
        pools.set(pool, claims);
      }
      for (const [pool, claims] of pools) await this.#renewIn(pool, claims);
    } catch (thrown) {
      this.#options.onError(toError(thrown));
    } finally {
      this.#renewing = false;
    }
  }

  async #renewIn(pool: WorkPool, claims: readonly Claim[]): Promise<void> {
    const held = await pool.renew(claims, this.#options.lease);
    claims.forEach((claim, i) => {
      // It may have been let go of, or claimed anew, while the store was asked.
      if (held[i] === true || this.claim(pool, claim.id) !== claim) return;
      this.drop(pool, claim.id);
      this.#options.onLost(claim, pool.name);
    });
  }
}

function keyOf(pool: WorkPool, id: string): string {
  return `${pool.name}/${id}`;
}
