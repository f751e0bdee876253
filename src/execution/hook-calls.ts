import { FlatMachineError } from '../errors.ts';
import { isJsonObject, kindOf, toJson, toJsonWithout } from '../json.ts';
import type { MachineFacts } from '../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { ActionResult, MachineHooks } from './interfaces.ts';

/** The context as hooks see it: their own copy, with `machine` in it. */
export function contextForHook(context: JsonObject, facts: MachineFacts): JsonObject {
  const copy = toJson(context, 'context') as JsonObject;
  copy.machine = { ...facts };
  return copy;
}

/** A context that a hook gave back, as our own copy. `machine` is read-only: what a hook does to it is dropped. */
export function contextFromHook(returned: unknown, hook: string): JsonObject {
  if (!isJsonObject(returned)) {
    throw new FlatMachineError(
      'hook-failed',
      `${hook} must return a map or nothing, not ${kindOf(returned)}`,
    );
  }
  return toJsonWithout(returned, 'machine', `context from ${hook}`);
}

/** What an action came to, in one shape. */
export interface ActionOutcome {
  output: JsonValue;
  /** The new context, or null = unchanged. */
  context: JsonObject | null;
}

/** Sorts out the forms `onAction` may return. */
export function actionOutcome(returned: unknown): ActionOutcome {
  if (returned === undefined) return { output: null, context: null };
  if (!isJsonObject(returned)) {
    throw new FlatMachineError(
      'hook-failed',
      `onAction must return a map or nothing, not ${kindOf(returned)}`,
    );
  }
  if (isActionResult(returned)) {
    const context = returned.context === undefined ? null : contextFromHook(returned.context, 'onAction');
    return { output: toJson(returned.output, 'output'), context };
  }
  const context = contextFromHook(returned, 'onAction');
  return { output: context, context };
}

function isActionResult(value: object): value is ActionResult {
  const keys = Object.keys(value);
  return keys.includes('output') && keys.every((key) => key === 'output' || key === 'context');
}

/** Whether anybody handles this action. */
export function handlesAction(hooks: MachineHooks, action: string): boolean {
  return hooks.onAction !== undefined && (hooks.actions === undefined || hooks.actions.includes(action));
}
