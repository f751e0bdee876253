import type { HookFactory, MachineHooks } from '../../src/execution/interfaces.ts';
import type { ExecutionResult } from '../../src/execution/setup.ts';
import { FlatMachine } from '../../src/flatmachine.ts';
import type { FlatMachineOptions } from '../../src/library/options.ts';
import type { JsonObject, JsonValue } from '../../src/types.ts';
import { load } from '../helpers/machine.ts';

/** Runs a machine, given as the inside of its `data`, to its end. */
export async function run(
  data: JsonObject,
  input: JsonObject = {},
  hooks: MachineHooks | HookFactory = {},
  options: FlatMachineOptions = {},
): Promise<ExecutionResult> {
  return (await load(data, hooks, options)).execute(input);
}

/** The output of a run that must complete. */
export async function outputOf(
  data: JsonObject,
  input: JsonObject = {},
  hooks: MachineHooks | HookFactory = {},
): Promise<JsonValue> {
  const result = await run(data, input, hooks);
  if (result.status !== 'completed') throw new Error(`${result.status}: ${JSON.stringify(result.error)}`);
  return result.output;
}

/** What a value of a machine's file renders to in a final state. */
export async function rendered(
  value: JsonValue,
  input: JsonObject = {},
  context: JsonObject = {},
): Promise<JsonValue> {
  const output = await outputOf(
    {
      context,
      states: {
        only: { type: 'initial', transitions: [{ to: 'end' }] },
        end: { type: 'final', output: { value } },
      },
    },
    input,
  );
  return (output as JsonObject).value as JsonValue;
}

/** Which of the two ways a condition leads, or the type of the error it ends in. */
export async function decided(
  condition: JsonValue,
  context: JsonObject = {},
  engine = 'simple',
  input: JsonObject = {},
) {
  const { status, output, error } = await run(
    {
      expression_engine: engine,
      context,
      states: {
        ask: { type: 'initial', transitions: [{ condition, to: 'yes' }, { to: 'no' }] },
        yes: { type: 'final', output: { taken: true } },
        no: { type: 'final', output: { taken: false } },
      },
    },
    input,
  );
  return status === 'completed' ? (output as JsonObject).taken : error?.error_type;
}

/** The codes of the findings that keep a machine from loading; none when it loads. */
export async function refusal(source: JsonObject | string): Promise<string[]> {
  try {
    await FlatMachine.load(source, { backend: 'memory' });
    return [];
  } catch (error) {
    const { details } = error as { details?: { diagnostics?: { code: string; severity: string }[] } };
    if (details?.diagnostics === undefined) throw error;
    return details.diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  }
}

/** A state that ends the machine with its whole context as output. */
export const END = { type: 'final', output: 'context' } as const;

/** Whatever a script agent answers, in order: text, results, or errors. */
export function script(...answers: JsonValue[]): JsonObject {
  return { type: 'script', config: { answers } };
}

/** A child machine, from the inside of its `data`. */
export function child(data: JsonObject): JsonObject {
  return { spec: 'flatmachine', spec_version: '1.0.0', data };
}

/** A child that gives back its input, or what a template makes of it. */
export function echo(output: JsonValue = { got: 'input' }): JsonObject {
  return child({ states: { end: { type: 'final', output } } });
}

/** A machine that does one state and ends with what that state gave. */
export function oneState(state: JsonObject, rest: JsonObject = {}): JsonObject {
  return {
    ...rest,
    states: {
      a: { type: 'initial', output_to_context: { out: 'output' }, transitions: [{ to: 'end' }], ...state },
      end: { type: 'final', output: 'context.out' },
    },
  };
}
