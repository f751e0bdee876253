import type * as OpenTelemetry from '@opentelemetry/api';
import { packageVersion } from '../package-root.ts';

/** The name of the meter and of the tracer. */
export const SCOPE = 'flatmachine';

/** What is counted and measured. */
export interface Instruments {
  readonly executions: OpenTelemetry.Counter;
  readonly steps: OpenTelemetry.Counter;
  readonly transitions: OpenTelemetry.Counter;
  readonly errors: OpenTelemetry.Counter;
  readonly agentCalls: OpenTelemetry.Counter;
  readonly agentTokens: OpenTelemetry.Counter;
  readonly agentCost: OpenTelemetry.Counter;
  readonly toolCalls: OpenTelemetry.Counter;
  readonly stateDuration: OpenTelemetry.Histogram;
}

/** By the provider they were made with: a process makes them once, however many executions it runs. */
const made = new WeakMap<OpenTelemetry.MeterProvider, Instruments>();

/** The instruments of the meter provider that is registered now. */
export function instrumentsOf(api: typeof OpenTelemetry): Instruments {
  const provider = api.metrics.getMeterProvider();
  const known = made.get(provider);
  if (known !== undefined) return known;
  const meter = provider.getMeter(SCOPE, packageVersion());
  const counter = (name: string, description: string, unit: string) =>
    meter.createCounter(`flatmachine.${name}`, { description, unit });
  const instruments: Instruments = {
    executions: counter('executions', 'Executions that ended, parked or stopped, by status', '{execution}'),
    steps: counter('steps', 'Committed steps', '{step}'),
    transitions: counter('transitions', 'Transitions taken', '{transition}'),
    errors: counter('errors', 'Errors that on_error or a hook routed, or that ended the run', '{error}'),
    agentCalls: counter('agent.calls', 'Calls of agents', '{call}'),
    agentTokens: counter('agent.tokens', 'Tokens as the provider counts them', '{token}'),
    agentCost: counter('agent.cost', 'Cost as the provider reports it', '{cost}'),
    toolCalls: counter('tool.calls', 'Tool calls that ran for a model', '{call}'),
    stateDuration: meter.createHistogram('flatmachine.state.duration', {
      description: 'Time from entering a state to leaving it or failing in it',
      unit: 's',
    }),
  };
  made.set(provider, instruments);
  return instruments;
}
