import type { ErrorCode } from '../../errors.ts';
import type { JsonValue } from '../../types.ts';

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
