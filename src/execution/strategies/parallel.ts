import { errorType, FlatMachineError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';
import { payload } from '../agents/payload.ts';
import type { CallOutcome, ExecutionType, ExecutionTypeFactory } from './interfaces.ts';
import { countOption } from './options.ts';
import { sample } from './sample.ts';

const DEFAULT_SAMPLES = 3;

/**
 * `parallel`: makes `n_samples` calls, and gives `{results, count}`: the answers in the order of their calls, without those that failed.
 * @throws FlatMachineError `no-success` when all failed, with what each failed with
 */
export const parallelType: ExecutionTypeFactory = (options): ExecutionType => {
  const samples = countOption(options, 'n_samples', DEFAULT_SAMPLES);
  return {
    async execute(executor, input, context) {
      const outcomes = await sample(executor, 0, samples, input, context);
      const failures = failuresOf(outcomes);
      const results = outcomes.flatMap(({ result }) => (result === undefined ? [] : [payload(result)]));
      if (results.length === 0) {
        const last = failures.at(-1)?.message;
        throw new FlatMachineError('no-success', `all ${samples} samples failed, the last with: ${last}`, {
          details: { failures },
        });
      }
      if (failures.length > 0) {
        executor.log(`${failures.length} of ${samples} samples failed`, { failures });
      }
      return { output: { results, count: results.length }, metadata: { parallel: { samples, failures } } };
    },
  };
};

/** What each failed sample failed with. @param first number of the first outcome's call */
export function failuresOf(outcomes: readonly CallOutcome[], first = 0): JsonObject[] {
  return outcomes.flatMap(({ error }, i) =>
    error === undefined ? [] : [{ sample: first + i, error_type: errorType(error), message: error.message }],
  );
}
