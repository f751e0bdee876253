import type * as OpenTelemetry from '@opentelemetry/api';
import type { ExecutionEvent } from '../events.ts';
import type { HookFactory } from '../execution/interfaces.ts';
import { importOptional } from '../import-optional.ts';
import { assertKnownArgs } from './args.ts';
import { type Instruments, instrumentsOf } from './metrics-instruments.ts';
import { ExecutionTrace } from './metrics-trace.ts';

/**
 * `metrics`: counts and traces of an execution through the OpenTelemetry API: whatever SDK the process has registered takes them; without one they go
 * nowhere. Takes no arguments. Everything comes from the event stream, so that it costs no copy of the context.
 * @throws FlatMachineError `missing-package` when `@opentelemetry/api` is not installed
 */
export const metricsHooks: HookFactory = async (args, { executionId, machineName, clock }) => {
  assertKnownArgs('metrics', args, []);
  const api = await importOptional<typeof OpenTelemetry>('@opentelemetry/api', 'the hooks "metrics"');
  const instruments = instrumentsOf(api);
  const trace = new ExecutionTrace(api, executionId, machineName);
  let entered = 0;
  return {
    onEvent: (event) => {
      if (event.type === 'state_enter') entered = clock.monotonic();
      count(instruments, machineName, event, clock.monotonic() - entered);
      trace.observe(event);
    },
    close: () => trace.close(),
  };
};

/** @param inState milliseconds since the state was entered */
function count(to: Instruments, machine: string, event: ExecutionEvent, inState: number): void {
  const at = {
    'flatmachine.machine': machine,
    ...(event.state === undefined ? {} : { 'flatmachine.state': event.state }),
  };
  switch (event.type) {
    case 'step_commit':
      to.steps.add(1, { ...at, 'flatmachine.status': event.status });
      break;
    case 'transition':
      to.transitions.add(1, { ...at, 'flatmachine.to': event.to });
      break;
    case 'state_exit':
      to.stateDuration.record(inState / 1000, { ...at, 'flatmachine.outcome': 'ok' });
      break;
    case 'error':
      to.stateDuration.record(inState / 1000, { ...at, 'flatmachine.outcome': 'error' });
      to.errors.add(1, {
        ...at,
        'error.type': event.error_type,
        'flatmachine.routed': event.to !== undefined,
      });
      break;
    case 'agent_call':
      countAgentCall(to, { ...at, 'flatmachine.agent': event.agent }, event);
      break;
    case 'tool_call':
      to.toolCalls.add(1, {
        ...at,
        'flatmachine.tool': event.tool,
        'flatmachine.outcome': event.is_error ? 'error' : 'ok',
      });
      break;
    case 'execution_end':
      to.executions.add(1, { 'flatmachine.machine': machine, 'flatmachine.status': event.status });
      break;
  }
}

type AgentCallEvent = Extract<ExecutionEvent, { type: 'agent_call' }>;

/** Tokens and cost are what the provider reports: where it reports nothing, nothing is counted. */
function countAgentCall(to: Instruments, at: Record<string, string>, event: AgentCallEvent): void {
  const calls = event.usage?.api_calls;
  to.agentCalls.add(isCount(calls) ? calls : 1, {
    ...at,
    ...(event.error_type === undefined ? {} : { 'error.type': event.error_type }),
  });
  for (const direction of ['input', 'output'] as const) {
    const tokens = event.usage?.[`${direction}_tokens`];
    if (isCount(tokens)) to.agentTokens.add(tokens, { ...at, 'flatmachine.token_type': direction });
  }
  if (event.cost !== undefined) to.agentCost.add(event.cost, at);
}

/** Whether a counter can be raised by it. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
