import { FlatMachineError } from '../errors.ts';
import type { MachineHooks } from '../execution/interfaces.ts';
import type { RequestedToolCall, Tool, ToolLoopSteering, ToolResult } from '../execution/tools/interfaces.ts';
import { toJson } from '../json.ts';
import type { JsonObject } from '../types.ts';

/** What several hooks together say to tool loops; only the methods that a member has. */
export function toolHooks(members: readonly MachineHooks[]): MachineHooks {
  const composite: MachineHooks = {};
  if (members.some((hooks) => hooks.onToolCalls)) composite.onToolCalls = steering(members);
  if (members.some((hooks) => hooks.onToolResult)) composite.onToolResult = results(members);
  if (members.some((hooks) => hooks.tools)) composite.tools = tools(members);
  const boxed = members.find((hooks) => hooks.sandbox);
  if (boxed !== undefined) {
    composite.sandbox = (context, call) => boxed.sandbox!(context, call);
  }
  return composite;
}

/** All are told of all calls. A call is skipped, and the loop ended, for the first reason given; messages come one after the other. */
function steering(members: readonly MachineHooks[]): NonNullable<MachineHooks['onToolCalls']> {
  return async (state, calls, context) => {
    const skip = new Map<string, string>();
    const messages: string[] = [];
    let abort: string | undefined;
    for (const hooks of members) {
      const said = await hooks.onToolCalls?.(state, calls.map(copyCall), copyContext(context));
      if (said === undefined) continue;
      for (const [id, reason] of Object.entries(said.skip ?? {})) if (!skip.has(id)) skip.set(id, reason);
      messages.push(...(said.messages ?? []));
      abort ??= said.abort;
    }
    const together: ToolLoopSteering = {};
    if (skip.size > 0) together.skip = Object.fromEntries(skip);
    if (messages.length > 0) together.messages = messages;
    if (abort !== undefined) together.abort = abort;
    return together;
  };
}

/** What one returns is what the next is given. */
function results(members: readonly MachineHooks[]): NonNullable<MachineHooks['onToolResult']> {
  return async (state, call, result, context) => {
    let current: ToolResult | undefined;
    for (const hooks of members) {
      const given = { ...(current ?? result) };
      const returned = await hooks.onToolResult?.(state, copyCall(call), given, copyContext(context));
      if (returned !== undefined) current = returned;
    }
    return current;
  };
}

function tools(members: readonly MachineHooks[]): NonNullable<MachineHooks['tools']> {
  return async (state, context) => {
    const offered = new Map<string, Tool>();
    for (const hooks of members) {
      for (const tool of (await hooks.tools?.(state, copyContext(context))) ?? []) {
        if (offered.has(tool.name)) {
          throw new FlatMachineError(
            'tool',
            `two hooks of state "${state}" offer a tool named "${tool.name}"`,
            {
              remedy: 'Give the tools different names.',
            },
          );
        }
        offered.set(tool.name, tool);
      }
    }
    return [...offered.values()];
  };
}

function copyCall(call: RequestedToolCall): RequestedToolCall {
  return { ...call, arguments: toJson(call.arguments) as JsonObject };
}

function copyContext(context: JsonObject): JsonObject {
  return toJson(context) as JsonObject;
}
