import { FlatMachineError } from '../../errors.ts';
import { withDetails } from '../agents/error-record.ts';
import { failureOf } from '../agents/errors.ts';
import { isEmpty } from '../agents/payload.ts';
import type { CallOutcome, ExecutionType, ExecutionTypeFactory, StrategyExecutor } from './interfaces.ts';
import { flagOption, numberOption, numbersOption } from './options.ts';

const DEFAULT_BACKOFFS = [2, 8, 16, 35];
const DEFAULT_JITTER = 0.1;

/**
 * `retry`: calls again after a failure that another try may mend, after `backoffs[i]` seconds ± `jitter` (a fraction), or as long as the provider asks for if that is longer.
 * With `retry_on_empty` an empty answer is a failure too. When no try is left, or none would help, the last error is thrown, with `attempts` in its details.
 */
export const retryType: ExecutionTypeFactory = (options): ExecutionType => {
  const backoffs = numbersOption(options, 'backoffs', DEFAULT_BACKOFFS);
  const jitter = numberOption(options, 'jitter', DEFAULT_JITTER, 1);
  const emptyFails = flagOption(options, 'retry_on_empty');
  return {
    async execute(executor, input, context) {
      for (let index = 0; ; index++) {
        const outcome = judge(await executor.attempt(index, input, context), emptyFails);
        if (outcome.result !== undefined) return outcome.result;
        const backoff = backoffs[index];
        if (backoff === undefined || !mendable(outcome)) {
          throw withDetails(outcome.error, { attempts: index + 1 });
        }
        // A failure that an earlier run was told of has been waited for, or was long ago.
        if (!outcome.replayed) await executor.sleep(pause(outcome, backoff, jitter, executor));
      }
    },
  };
};

type Failure = Extract<CallOutcome, { error: Error }>;

function judge(outcome: CallOutcome, emptyFails: boolean): CallOutcome {
  if (!emptyFails || outcome.result === undefined || !isEmpty(outcome.result)) return outcome;
  const error = new FlatMachineError('empty-output', 'the agent gave an empty answer');
  return { error, failure: failureOf(error), replayed: outcome.replayed };
}

/** What the failure says of itself decides. Without that, errors of others' code are tried again; ours come from the machine or its setup, which no retry mends. */
function mendable({ error, failure }: Failure): boolean {
  return failure?.retryable ?? !(error instanceof FlatMachineError);
}

function pause({ failure }: Failure, backoff: number, jitter: number, executor: StrategyExecutor): number {
  const delay = backoff * (1 + (2 * executor.random() - 1) * jitter);
  return Math.max(delay, failure?.retry_after ?? 0);
}
