import { errorType, FlatMachineError, isErrorCode } from '../../errors.ts';
import { isJsonObject, toJson } from '../../json.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../types.ts';
import { causesOf } from '../failure.ts';

/** An error as JSON, for the journal. */
export function errorRecord(error: Error): JsonObject {
  const ours = error instanceof FlatMachineError ? error : null;
  return {
    type: errorType(error),
    code: ours?.code ?? null,
    message: error.message,
    causes: causesOf(error),
    ...(ours === null ? {} : { remedy: ours.remedy }),
    ...(ours?.details === undefined ? {} : { details: toJson(ours.details, 'details of an error') }),
    ...(ours?.location === undefined ? {} : { location: { ...ours.location } }),
  };
}

/** The error of a record: ours with code, details and place; others with their name and message. */
export function restoreError(record: JsonObject): Error {
  const message = String(record.message);
  const cause = restoreCauses(record.causes);
  if (!isErrorCode(record.code)) {
    const error = new Error(message, cause === undefined ? {} : { cause });
    error.name = String(record.type);
    return error;
  }
  return new FlatMachineError(record.code, message, {
    ...(cause === undefined ? {} : { cause }),
    ...(record.details === undefined ? {} : { details: record.details }),
    ...(typeof record.remedy === 'string' ? { remedy: record.remedy } : {}),
    ...(isJsonObject(record.location) ? { location: record.location as unknown as SourceLocation } : {}),
  });
}

/** The same error with more facts in its details; its type, message and causes kept. */
export function withDetails(error: Error, facts: JsonObject): Error {
  const record = errorRecord(error);
  const details = isJsonObject(record.details) ? record.details : {};
  const restored = restoreError({ ...record, details: { ...details, ...facts } });
  return restored instanceof FlatMachineError ? restored : Object.assign(restored, { details: facts });
}

function restoreCauses(messages: JsonValue | undefined): Error | undefined {
  if (!Array.isArray(messages)) return undefined;
  return messages.reduceRight<Error | undefined>(
    (cause, message) => new Error(String(message), cause === undefined ? {} : { cause }),
    undefined,
  );
}
