import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { AGENT_ERRORS, type AgentErrorCode, agentErrorCode } from './error-codes.ts';
import type { AgentFailure } from './interfaces.ts';
import { classify } from './provider-error.ts';
import { redact } from './redact.ts';
import { waitWithin } from './retry-after.ts';

/** What is known of a failed call beside its message. */
export interface AgentErrorFacts {
  /** HTTP status. */
  status?: number | null;
  /** Default: what the code's row in `AGENT_ERRORS` says. */
  retryable?: boolean;
  /** Seconds the other side asks to wait. */
  retryAfter?: number | null;
  cause?: unknown;
  remedy?: string;
  /** Further facts, e.g. the head of an answer that cannot be used. */
  details?: JsonObject;
}

/** An error of an agent's call, with {@link AgentFailure} in its details. */
export function agentError(
  code: AgentErrorCode,
  message: string,
  {
    status = null,
    retryable = AGENT_ERRORS[code],
    retryAfter = null,
    cause,
    remedy,
    details,
  }: AgentErrorFacts = {},
): FlatMachineError {
  return new FlatMachineError(code, message, {
    details: { ...details, status, retryable, retry_after: retryAfter } satisfies AgentFailure,
    ...(cause === undefined ? {} : { cause }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/**
 * What is known of a failed call: of our errors what stands in their details, of others (a provider's, the network's) what can be read from them.
 * Null = not the failure of a call, as far as one can tell.
 */
export function failureOf(error: unknown): AgentFailure | null {
  if (error instanceof FlatMachineError) {
    const { details } = error;
    if (isJsonObject(details) && typeof details.retryable === 'boolean') {
      const { status, retry_after } = details;
      return {
        status: typeof status === 'number' ? status : null,
        retryable: details.retryable,
        retry_after: typeof retry_after === 'number' ? retry_after : null,
      };
    }
    const retryable = (AGENT_ERRORS as Partial<Record<string, boolean>>)[error.code];
    return retryable === undefined ? null : { status: null, retryable, retry_after: null };
  }
  const found = classify(error);
  return found && { status: found.status, retryable: found.retryable, retry_after: found.retryAfter };
}

/** How an error of a provider becomes one of ours. */
export interface ErrorContext {
  /** Who was asked, for the message: `openai gpt-5`. */
  from: string;
  /** Texts that may not appear in the error: keys. */
  secrets?: readonly string[];
}

/** Whatever a provider's client threw, as one of our errors; ours stay as they are. What the provider sent is not kept as a cause: it may hold keys and prompts. */
export function toAgentError(error: unknown, { from, secrets = [] }: ErrorContext): FlatMachineError {
  const ours = ownError(error);
  if (ours !== null) return ours;
  const found = classify(error);
  if (found === null) {
    const message = error instanceof Error ? error.message : String(error);
    return agentError('agent', `${from}: ${redact(message, secrets)}`, { retryable: false });
  }
  const status = found.status === null || found.status < 400 ? '' : ` (HTTP ${found.status})`;
  return agentError(found.code, `${from}: ${redact(found.message, secrets)}${status}`, found);
}

/** The error that the `error` of a result (FlatAgents 4.x) or of a recording reports. */
export function reportedError(error: JsonValue, agent: string): FlatMachineError {
  const facts = isJsonObject(error) ? error : { message: error };
  const code = agentErrorCode(facts.code) ?? 'agent';
  const status = facts.status ?? facts.status_code;
  const message =
    typeof facts.message === 'string' ? facts.message : `agent "${agent}" reports ${JSON.stringify(error)}`;
  return agentError(code, redact(message), {
    status: typeof status === 'number' ? status : null,
    retryable: typeof facts.retryable === 'boolean' ? facts.retryable : AGENT_ERRORS[code],
    retryAfter: typeof facts.retry_after === 'number' ? waitWithin(facts.retry_after) : null,
  });
}

/** One of our errors that a provider's client has passed on, by itself or as the cause of its own. */
function ownError(error: unknown): FlatMachineError | null {
  if (error instanceof FlatMachineError) return error;
  return error instanceof Error && error.cause instanceof FlatMachineError ? error.cause : null;
}
