import { FlatMachineError } from '../../errors.ts';
import { kindOf } from '../../json.ts';
import type { CompiledChildren, CompiledForeach, Scope } from '../../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../types.ts';

/** One child as the journal keeps it. */
export interface PlannedChild {
  /** A name under `machines`. */
  machine: string;
  input: JsonObject;
  /** Its place in a result that is a map; null = the result is a list, or the child's own. */
  key: string | null;
}

/** The children of a state, worked out once and journaled before any of them starts. */
export function planChildren(
  { machines, single, foreach }: CompiledChildren,
  stateInput: ((scope: Scope) => JsonObject) | null,
  scope: Scope,
): PlannedChild[] {
  if (foreach !== null) return planForeach(machines[0]!.machine, foreach, stateInput, scope);
  const common = stateInput === null ? {} : stateInput(scope);
  return machines.map(({ machine, input }) => ({
    machine,
    input: input === null ? common : { ...common, ...input(scope) },
    key: single ? null : machine,
  }));
}

function planForeach(
  machine: string,
  { items, as, key }: CompiledForeach,
  stateInput: ((scope: Scope) => JsonObject) | null,
  scope: Scope,
): PlannedChild[] {
  const list = items(scope);
  if (!Array.isArray(list)) {
    throw new FlatMachineError('not-a-list', `foreach goes over a list, and this is ${kindOf(list)}`);
  }
  const seen = new Map<string, number>();
  return list.map((item, index) => {
    const around: Scope = { ...scope, locals: { ...scope.locals, [as]: item, index } };
    return {
      machine,
      input: stateInput === null ? { [as]: item } : stateInput(around),
      key: key === null ? null : keyOf(key(around), index, seen),
    };
  });
}

function keyOf(value: JsonValue, index: number, seen: Map<string, number>): string {
  if (value === null || typeof value === 'object') {
    throw new FlatMachineError(
      'template-error',
      `the key of item ${index} must be text or a number, not ${JSON.stringify(value)}`,
    );
  }
  const key = String(value);
  const other = seen.get(key);
  if (other !== undefined) {
    throw new FlatMachineError(
      'duplicate-key',
      `items ${other} and ${index} have the same key, ${JSON.stringify(key)}`,
    );
  }
  seen.set(key, index);
  return key;
}
