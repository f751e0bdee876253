import { FlatMachineError } from '../../errors.ts';
import { canonicalJson, isJsonObject } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { AgentResult } from '../agents/interfaces.ts';
import { createJudge, type Judge } from './candidates.ts';
import type { CallOutcome, ExecutionType, ExecutionTypeFactory } from './interfaces.ts';
import { countOption } from './options.ts';
import { failuresOf } from './parallel.ts';
import { sample } from './sample.ts';

const DEFAULT_MARGIN = 3;
const DEFAULT_CANDIDATES = 10;

/** Longest reason that is kept of a red flag, in UTF-16 units. */
const MAX_REASON = 200;

/**
 * `mdap_voting`: samples until one answer leads the next by `k_margin` votes; after `max_candidates` samples the one with most votes wins, of equal ones the one that was there first.
 * Answers are equal when their JSON is, whatever the order of keys. What fails, or is flagged by the agent's `parsing` and `validation` or as longer than `max_response_tokens`, takes a sample and does not vote.
 * Bounds that the state does not set are taken from the agent's metadata.
 *
 * An answer that leads by L needs k − L votes more, so as many samples are made at once: none of them can turn out to be too many.
 * @throws FlatMachineError `no-consensus` when no answer may vote
 */
export const mdapVotingType: ExecutionTypeFactory = (options): ExecutionType => {
  // Options of the state are checked at once; those of the agent when it is known.
  boundsOf(options, {});
  return {
    async execute(executor, input, context) {
      const { margin, candidates, tokens } = boundsOf(options, metadataBounds(executor.metadata));
      const ballot = new Ballot(await createJudge(executor.metadata, tokens));
      while (ballot.lead < margin && ballot.samples < candidates) {
        const count = Math.min(margin - ballot.lead, candidates - ballot.samples);
        ballot.count(await sample(executor, ballot.samples, count, input, context));
      }
      const account = { k_margin: margin, max_candidates: candidates, ...ballot.account };
      executor.log(`${ballot.samples} samples, lead ${ballot.lead}`, account);
      return ballot.winner(account);
    },
  };
};

interface Votes {
  readonly candidate: JsonObject;
  /** The first answer that said so. */
  readonly result: AgentResult;
  count: number;
}

class Ballot {
  readonly #judge: Judge;
  readonly #votes = new Map<string, Votes>();
  readonly #flagged: JsonObject[] = [];
  readonly #flags: Record<string, number> = {};
  readonly #failures: JsonObject[] = [];
  #samples = 0;

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Answers that were asked for, those that may not vote included. */
  get samples(): number {
    return this.#samples;
  }

  /** By how many votes the first leads the second; a lone one leads by its own. */
  get lead(): number {
    const [first, second] = this.#ranked();
    return (first?.count ?? 0) - (second?.count ?? 0);
  }

  count(outcomes: readonly CallOutcome[]): void {
    this.#failures.push(...failuresOf(outcomes, this.#samples));
    for (const { result } of outcomes) {
      const number = this.#samples++;
      if (result !== undefined) this.#vote(result, number);
    }
  }

  /** How the vote went. */
  get account(): JsonObject {
    return {
      samples: this.#samples,
      votes: this.#ranked().map(({ count }) => count),
      red_flags: this.#flags,
      flagged: this.#flagged,
      failures: this.#failures,
    };
  }

  /** @param account goes into the result's metadata, or the error's details */
  winner(account: JsonObject): AgentResult {
    const [first] = this.#ranked();
    if (first === undefined) {
      const why = this.#failures.at(-1)?.message ?? this.#flagged.at(-1)?.reason;
      const message = `none of ${this.#samples} samples may vote; the last: ${why}`;
      throw new FlatMachineError('no-consensus', message, { details: account });
    }
    const { candidate, result } = first;
    return {
      output: candidate,
      content: result.content ?? null,
      metadata: { ...result.metadata, mdap: account },
    };
  }

  #vote(result: AgentResult, number: number): void {
    const { candidate, flag, reason } = this.#judge(result);
    if (flag !== undefined) {
      this.#flags[flag] = (this.#flags[flag] ?? 0) + 1;
      this.#flagged.push({ sample: number, flag, reason: reason.slice(0, MAX_REASON) });
      return;
    }
    const key = canonicalJson(candidate);
    const votes = this.#votes.get(key);
    if (votes === undefined) this.#votes.set(key, { candidate, result, count: 1 });
    else votes.count++;
  }

  /** Most votes first; equal ones in the order in which they were first seen. */
  #ranked(): Votes[] {
    return [...this.#votes.values()].sort((a, b) => b.count - a.count);
  }
}

/** FlatAgents keep them under `mdap`, or beside the rest. */
function metadataBounds(metadata: JsonObject): JsonObject {
  return isJsonObject(metadata.mdap) ? metadata.mdap : metadata;
}

function boundsOf(
  options: JsonObject,
  metadata: JsonObject,
): { margin: number; candidates: number; tokens: number } {
  const bound = (name: string, otherwise: number): number =>
    countOption(options, name, null) ?? countOption(metadata, name, otherwise);
  return {
    margin: bound('k_margin', DEFAULT_MARGIN),
    candidates: bound('max_candidates', DEFAULT_CANDIDATES),
    tokens: bound('max_response_tokens', Number.POSITIVE_INFINITY),
  };
}
