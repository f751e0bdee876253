import { handlesAction } from '../execution/hook-calls.ts';
import type { MachineHooks } from '../execution/interfaces.ts';
import { toJson } from '../json.ts';
import type { JsonValue } from '../types.ts';
import { toolHooks } from './composite-tools.ts';

/**
 * Several hooks as one. They are called in order, each with its own copy of what the one before gave back; an action goes
 * to the first that handles it, an error to the first that names a state. The composite has only the methods that a member has:
 * what nobody listens to costs nothing.
 */
export function compositeHooks(members: readonly MachineHooks[]): MachineHooks {
  const [only] = members;
  if (only === undefined) return NO_HOOKS;
  if (members.length === 1) return only;
  return { ...machineHooks(members), ...stateHooks(members), ...toolHooks(members), ...ends(members) };
}

function machineHooks(members: readonly MachineHooks[]): MachineHooks {
  const composite: MachineHooks = {};
  if (members.some((hooks) => hooks.onMachineStart)) {
    composite.onMachineStart = (context) =>
      thread(members, context, (hooks, current) => hooks.onMachineStart?.(current));
  }
  if (members.some((hooks) => hooks.onMachineEnd)) {
    composite.onMachineEnd = (context, output) =>
      thread(members, output, (hooks, current) => hooks.onMachineEnd?.(copy(context), current));
  }
  const listeners = members.filter((hooks) => hooks.onEvent);
  if (listeners.length > 0) {
    composite.onEvent = (event) => {
      for (const hooks of listeners) hooks.onEvent?.(event);
    };
  }
  return composite;
}

function stateHooks(members: readonly MachineHooks[]): MachineHooks {
  const composite: MachineHooks = {};
  if (members.some((hooks) => hooks.onStateEnter)) {
    composite.onStateEnter = (state, context) =>
      thread(members, context, (hooks, current) => hooks.onStateEnter?.(state, current));
  }
  if (members.some((hooks) => hooks.onStateExit)) composite.onStateExit = stateExit(members);
  if (members.some((hooks) => hooks.onTransition)) composite.onTransition = transition(members);
  if (members.some((hooks) => hooks.onError)) composite.onError = firstRecovery(members);
  if (members.some((hooks) => hooks.onAction)) Object.assign(composite, actions(members));
  return composite;
}

/** Hands a value through all members: what one returns is what the next is given. */
async function thread<T extends JsonValue>(
  members: readonly MachineHooks[],
  first: T,
  call: (hooks: MachineHooks, current: T) => unknown,
): Promise<T | undefined> {
  let current = first;
  let changed = false;
  for (const hooks of members) {
    const returned = (await call(hooks, copy(current))) as T | undefined;
    if (returned === undefined) continue;
    current = returned;
    changed = true;
  }
  return changed ? current : undefined;
}

function stateExit(members: readonly MachineHooks[]): NonNullable<MachineHooks['onStateExit']> {
  return async (state, context, output) => {
    let current = output;
    for (const hooks of members) {
      const given = current === undefined ? undefined : copy(current);
      const returned = await hooks.onStateExit?.(state, copy(context), given);
      if (returned !== undefined) current = returned;
    }
    return current;
  };
}

function transition(members: readonly MachineHooks[]): NonNullable<MachineHooks['onTransition']> {
  return async (from, to, context) => {
    let target = to;
    for (const hooks of members) target = (await hooks.onTransition?.(from, target, copy(context))) ?? target;
    return target;
  };
}

function firstRecovery(members: readonly MachineHooks[]): NonNullable<MachineHooks['onError']> {
  return async (state, error, context) => {
    for (const hooks of members) {
      const to = await hooks.onError?.(state, error, copy(context));
      if (to !== undefined && to !== null) return to;
    }
    return null;
  };
}

function actions(members: readonly MachineHooks[]): Pick<MachineHooks, 'actions' | 'onAction'> {
  const onAction: NonNullable<MachineHooks['onAction']> = (action, context, call) =>
    members.find((hooks) => handlesAction(hooks, action))?.onAction?.(action, context, call);
  const able = members.filter((hooks) => hooks.onAction !== undefined);
  if (able.some((hooks) => hooks.actions === undefined)) return { onAction };
  return { onAction, actions: able.flatMap((hooks) => hooks.actions ?? []) };
}

function ends(members: readonly MachineHooks[]): Pick<MachineHooks, 'onExecutionEnd' | 'close'> {
  return {
    onExecutionEnd: (executionId, status) =>
      tellAll(members, (hooks) => hooks.onExecutionEnd?.(executionId, status)),
    close: () => tellAll(members, (hooks) => hooks.close?.()),
  };
}

/** Every member is told, whatever the others do. @throws what one threw; several as an AggregateError */
export async function tellAll(
  members: readonly MachineHooks[],
  call: (hooks: MachineHooks) => unknown,
): Promise<void> {
  const outcomes = await Promise.allSettled(members.map(async (hooks) => call(hooks)));
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '));
}

function copy<T extends JsonValue>(value: T): T {
  return toJson(value) as T;
}

/** The hooks of a machine that has none. */
export const NO_HOOKS: MachineHooks = Object.freeze({});
