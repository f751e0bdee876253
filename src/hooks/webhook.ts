import type { HookFactory, MachineHooks } from '../execution/interfaces.ts';
import type { RequestedToolCall } from '../execution/tools/interfaces.ts';
import type { JsonObject } from '../types.ts';
import { WebhookQueue } from './webhook-queue.ts';
import { type WebhookEvent, webhookSettings } from './webhook-settings.ts';

/**
 * `webhook`: POSTs a signed JSON message per hook call to `url`, in order, without holding up the run. Arguments: see {@link webhookSettings}.
 * A message that cannot be delivered is dropped with a `log` event, never silently.
 */
export const webhookHooks: HookFactory = (args, { executionId, machineName, clock, emit }) => {
  const settings = webhookSettings(args);
  const queue = new WebhookQueue(settings, clock, (message) => emit({ type: 'log', level: 'warn', message }));
  const send = (event: WebhookEvent, data: JsonObject) => {
    const time = new Date(clock.now()).toISOString();
    queue.add(
      event,
      JSON.stringify({ event, execution_id: executionId, machine: machineName, time, ...data }),
    );
  };
  return { ...onlyThose(settings.events, senders(send)), close: () => queue.close() };
};

/** The hook methods by the name of the event they send. */
function senders(send: (event: WebhookEvent, data: JsonObject) => void): Record<WebhookEvent, MachineHooks> {
  return {
    machine_start: { onMachineStart: (context) => send('machine_start', { context }) },
    machine_end: { onMachineEnd: (context, output) => send('machine_end', { context, output }) },
    state_enter: { onStateEnter: (state, context) => send('state_enter', { state, context }) },
    state_exit: {
      onStateExit: (state, context, output) => send('state_exit', { state, context, output: output ?? null }),
    },
    transition: { onTransition: (from, to) => send('transition', { from, to }) },
    error: {
      onError: (state, error) => send('error', { state, error_type: error.name, message: error.message }),
    },
    tool_calls: { onToolCalls: (state, calls) => send('tool_calls', { state, calls: calls.map(facts) }) },
    tool_result: {
      onToolResult: (state, call, { content, is_error }) =>
        send('tool_result', { state, call: facts(call), content, is_error: is_error ?? false }),
    },
    execution_end: { onExecutionEnd: (_executionId, status) => send('execution_end', { status }) },
  };
}

/** What nobody wants to hear of is not even listened to. */
function onlyThose(events: readonly WebhookEvent[], all: Record<WebhookEvent, MachineHooks>): MachineHooks {
  return Object.assign({}, ...events.map((event) => all[event])) as MachineHooks;
}

function facts({ id, name, arguments: args }: RequestedToolCall): JsonObject {
  return { id, name, arguments: args };
}
