import { FlatMachineError } from '../errors.ts';
import type { Outcome } from '../runners/interfaces.ts';
import type { JsonObject } from '../types.ts';

/** Failures of the infrastructure, by the type `on_error` sees, and what the trainer is told. `agent_failed`: the model could not be asked. */
const OUTCOMES: Readonly<Record<string, Outcome | 'agent_failed'>> = {
  SandboxLostError: 'sandbox_lost',
  SupervisorError: 'sandbox_lost',
  EnvironmentCreateError: 'create_failed',
  AcquireTimeoutError: 'create_failed',
  TimeoutError: 'timeout',
  RateLimitError: 'agent_failed',
  ServerError: 'agent_failed',
  NetworkError: 'agent_failed',
  AgentTimeoutError: 'agent_failed',
  AgentError: 'agent_failed',
};

/**
 * The result of a rollout that the infrastructure ended: no reward, nothing to learn from.
 * @throws FlatMachineError `usage` when the context's last error is not one of the infrastructure's
 */
export function assignBlame(context: JsonObject): JsonObject {
  const { last_error_type: type, last_error: message } = context;
  const outcome = typeof type === 'string' && Object.hasOwn(OUTCOMES, type) ? OUTCOMES[type] : undefined;
  if (outcome === undefined) {
    throw new FlatMachineError(
      'usage',
      `assign_blame knows no error of type ${JSON.stringify(type ?? null)}`,
      {
        remedy: `Route only these to it: ${Object.keys(OUTCOMES).join(', ')}.`,
      },
    );
  }
  return { reward: null, outcome, blame: 'infra', trainable: false, error: message ?? null };
}
