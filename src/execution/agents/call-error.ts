import { ERRORS, type ErrorCode, errorType, FlatMachineError } from '../../errors.ts';
import { isJsonObject, toJson } from '../../json.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../types.ts';
import { Pause } from '../pause.ts';
import type { AgentFailure } from './interfaces.ts';

/** Causes deeper than this are not kept. */
const MAX_CAUSES = 10;

/** Errors that are not an answer of the agent: the work itself cannot go on. No strategy may swallow them, and none is journaled. */
const ENDS_WORK: ReadonlySet<ErrorCode> = new Set([
  'lease-lost',
  'step-conflict',
  'backend',
  'cancelled',
  'interrupted',
  'sandbox-lost',
  'slot-dirty',
]);

/** Whether an error says that the work cannot go on, whatever the agent could still do: a lost lease, box or store, or a {@link Pause}. */
export function endsWork(error: unknown): boolean {
  return error instanceof Pause || (error instanceof FlatMachineError && ENDS_WORK.has(error.code));
}

/** Whatever an agent threw, as an error. */
export function asError(thrown: unknown, agent: string): Error {
  if (thrown instanceof Error) return thrown;
  return new FlatMachineError(
    'agent',
    `agent "${agent}" threw something that is not an Error: ${String(thrown)}`,
  );
}

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

function causesOf(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause !== undefined && messages.length < MAX_CAUSES; ) {
    messages.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

function restoreCauses(messages: JsonValue | undefined): Error | undefined {
  if (!Array.isArray(messages)) return undefined;
  return messages.reduceRight<Error | undefined>(
    (cause, message) => new Error(String(message), cause === undefined ? {} : { cause }),
    undefined,
  );
}

/** Whether a value is the code of one of our errors. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** Errors that an agent's call may end with, and whether the same call may succeed later. */
export const AGENT_ERRORS = {
  agent: true,
  'rate-limit': true,
  server: true,
  network: true,
  'agent-timeout': true,
  'invalid-output': true,
  'empty-output': true,
  tool: true,
  auth: false,
  'context-length': false,
  'invalid-request': false,
  'content-filter': false,
} as const satisfies Partial<Record<ErrorCode, boolean>>;

/** The code of an error that an agent's call may end with. */
export type AgentErrorCode = keyof typeof AGENT_ERRORS;

/** The code that is written as `rate-limit` or `rate_limit`; null = there is none such. */
export function agentErrorCode(written: JsonValue | undefined): AgentErrorCode | null {
  const code = typeof written === 'string' ? written.replaceAll('_', '-') : '';
  return Object.hasOwn(AGENT_ERRORS, code) ? (code as AgentErrorCode) : null;
}

/** What a failed call is known to have been, as {@link AgentFailure} says it, from the `error` of a result (FlatAgents 4.x) or of a recording. */
export function reportedError(error: JsonValue, agent: string): FlatMachineError {
  const facts = isJsonObject(error) ? error : { message: error };
  const code = agentErrorCode(facts.code) ?? 'agent';
  const status = facts.status ?? facts.status_code;
  const details: AgentFailure = {
    status: typeof status === 'number' ? status : null,
    retryable: typeof facts.retryable === 'boolean' ? facts.retryable : AGENT_ERRORS[code],
    retry_after: typeof facts.retry_after === 'number' ? facts.retry_after : null,
  };
  const message =
    typeof facts.message === 'string' ? facts.message : `agent "${agent}" reports ${JSON.stringify(error)}`;
  return new FlatMachineError(code, message, { details });
}
