import { type ErrorCode, FlatMachineError, isErrorCode } from '../../errors.ts';
import { setOwn } from '../../json.ts';
import type { FailureRecord } from '../../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { ExecutionResult } from '../setup.ts';
import type { PlannedChild } from './plan.ts';

/** What a parent has to know of a child that ended, or that stopped. */
export type ChildEnd = Pick<ExecutionResult, 'execution_id' | 'status' | 'output' | 'error'>;

/** What one child came to: an output, or why there is none. */
export type ChildOutcome =
  | { readonly output: JsonValue; readonly error?: undefined }
  | { readonly error: FlatMachineError; readonly output?: undefined };

/** The outcome of a child that has ended. */
export function outcomeOf(result: ChildEnd): ChildOutcome {
  if (result.status === 'completed') return { output: result.output };
  return { error: childError(result) };
}

/** A child's failure as its parent's: `on_error` sees the type that the child failed with. */
function childError({ execution_id: child, error }: ChildEnd): FlatMachineError {
  if (error === null) {
    return new FlatMachineError('cancelled', `the child ${child} was cancelled`, { details: { child } });
  }
  const failed = new FlatMachineError(codeOf(error), error.message, {
    details: { child, state: error.state, causes: error.causes, details: error.details ?? null },
    remedy: `See the child: \`flatmachine show ${child}\`.`,
  });
  failed.name = error.error_type;
  return failed;
}

function codeOf({ code }: FailureRecord): ErrorCode {
  return isErrorCode(code) ? code : 'child-failed';
}

/** Everything's outcome, in the plan's order: a map if the children have keys, else a list. A failed child's place says why. */
export function settledOutput(plan: readonly PlannedChild[], outcomes: readonly ChildOutcome[]): JsonValue {
  const values = outcomes.map(({ output, error }) =>
    error === undefined ? output : { _error: error.message, _error_type: error.name },
  );
  if (plan[0]?.key == null) return values;
  const map: JsonObject = {};
  plan.forEach(({ key }, i) => {
    setOwn(map, key as string, values[i] as JsonValue);
  });
  return map;
}

/** The winner's output; under its key, if the children have keys. */
export function winnerOutput({ key }: PlannedChild, output: JsonValue): JsonValue {
  if (key === null) return output;
  const map: JsonObject = {};
  setOwn(map, key, output);
  return map;
}

/** The error of a group of which none succeeded. */
export function noSuccess(
  plan: readonly PlannedChild[],
  outcomes: readonly ChildOutcome[],
): FlatMachineError {
  const errors = outcomes.slice(0, 20).map(({ error }, i) => ({
    machine: plan[i]?.machine ?? '',
    key: plan[i]?.key ?? null,
    error_type: error?.name ?? '',
    error: error?.message ?? '',
  }));
  return new FlatMachineError(
    'no-success',
    `none of ${plan.length} children succeeded; the first failed with ${errors[0]?.error_type}: ${errors[0]?.error}`,
    {
      details: { errors },
    },
  );
}
