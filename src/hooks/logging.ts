import type { HookFactory } from '../execution/interfaces.ts';
import type { JsonValue } from '../types.ts';
import { assertKnownArgs, oneOf } from './args.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** Characters of a value that a message shows. */
const BRIEF = 200;

/**
 * `logging`: one `log` event per state entered and left, transition, error, and per tool call of a model and its result. They are part of the
 * event stream and of the step's record, so `flatmachine logs` shows them. Argument: `level` (`info`); errors are always of level `error`.
 */
export const loggingHooks: HookFactory = (args, { emit }) => {
  assertKnownArgs('logging', args, ['level']);
  const level = oneOf('logging: level', args.level ?? 'info', LEVELS);
  const log = (message: string, at: Level = level) => emit({ type: 'log', level: at, message });
  return {
    onMachineStart: () => log('machine started'),
    onMachineEnd: (_context, output) => log(`machine ended with ${brief(output)}`),
    onStateEnter: (state) => log(`entering ${state}`),
    onStateExit: (state, _context, output) =>
      log(`leaving ${state}${output === undefined ? '' : ` with ${brief(output)}`}`),
    onTransition: (from, to) => log(`${from} -> ${to}`),
    onError: (state, error) => log(`${state}: ${error.name}: ${error.message}`, 'error'),
    onToolCalls: (state, calls) => {
      for (const call of calls) log(`${state}: the model asks for ${call.name} ${brief(call.arguments)}`);
    },
    onToolResult: (state, call, { content, is_error }) =>
      log(`${state}: ${call.name} ${is_error ? 'failed' : 'gave'} ${brief(content)}`),
  };
};

function brief(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > BRIEF ? `${text.slice(0, BRIEF)}… (${text.length} characters)` : text;
}
