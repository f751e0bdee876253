import type { Blame, Outcome } from './interfaces.ts';

/** What an outcome means to a trainer: whose fault it is, and whether anything may be learned from it. */
export interface Verdict {
  readonly blame: Blame;
  readonly trainable: boolean;
}

/** The verdict on each outcome. What the policy's own command did can be learned from; what befell it cannot. */
export const VERDICTS = {
  ok: { blame: null, trainable: true },
  nonzero: { blame: 'policy', trainable: true },
  timeout: { blame: 'policy', trainable: true },
  oom: { blame: 'policy', trainable: true },
  output_capped: { blame: 'policy', trainable: true },
  sandbox_lost: { blame: 'infra', trainable: false },
  create_failed: { blame: 'infra', trainable: false },
  cancelled: { blame: null, trainable: false },
} as const satisfies Record<Outcome, Verdict>;
