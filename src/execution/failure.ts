import { errorType, FlatMachineError, toError } from '../errors.ts';
import type { CompiledState } from '../machine/interfaces.ts';
import type { FailureRecord } from '../machine/snapshot.ts';
import type { JsonObject } from '../types.ts';

/** Causes deeper than this are left out of a record. */
const MAX_CAUSES = 10;

/** What is stored of an error. */
export function failureRecord(error: Error, state: string, step: number): FailureRecord {
  const ours = error instanceof FlatMachineError ? error : null;
  return {
    error_type: errorType(error),
    code: ours?.code ?? 'error',
    message: error.message,
    state,
    step,
    causes: causesOf(error),
    ...(ours?.details === undefined ? {} : { details: ours.details }),
  };
}

/** The messages of an error's causes, outermost first; no more than ten. */
export function causesOf(error: Error): string[] {
  const messages: string[] = [];
  let cause: unknown = error.cause;
  while (cause !== undefined && messages.length < MAX_CAUSES) {
    messages.push(toError(cause).message);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

/** Where `on_error` sends this error, or null. */
export function recoveryState(state: CompiledState, error: Error): string | null {
  if (state.onError === null) return null;
  return state.onError.byType.get(errorType(error)) ?? state.onError.default;
}

/** The context a recovery state sees: as before the failed step, with the error's facts. */
export function contextAfterError(context: JsonObject, record: FailureRecord): JsonObject {
  return {
    ...context,
    last_error: record.message,
    last_error_type: record.error_type,
    last_error_code: record.code,
    last_error_state: record.state,
  };
}
