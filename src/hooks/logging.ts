import { FlatMachineError } from '../errors.ts';
import type { HookFactory } from '../execution/interfaces.ts';
import type { JsonValue } from '../types.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/**
 * `logging`: one `log` event per state entered and left, transition and error. They are part of the event stream and of the
 * step's record, so `flatmachine logs` shows them. Argument: `level` (`info`).
 */
export const loggingHooks: HookFactory = (args, { emit }) => {
  const level = levelOf(args.level ?? 'info');
  const log = (message: string, at: Level = level) => emit({ type: 'log', level: at, message });
  return {
    onMachineStart: () => log('machine started'),
    onMachineEnd: (_context, output) => log(`machine ended with ${brief(output)}`),
    onStateEnter: (state) => log(`entering ${state}`),
    onStateExit: (state, _context, output) =>
      log(`leaving ${state}${output === undefined ? '' : ` with ${brief(output)}`}`),
    onTransition: (from, to) => log(`${from} -> ${to}`),
    onError: (state, error) => log(`${state}: ${error.name}: ${error.message}`, 'error'),
  };
};

function levelOf(value: JsonValue): Level {
  const level = LEVELS.find((known) => known === value);
  if (level !== undefined) return level;
  throw new FlatMachineError('hook-load', `logging: level must be one of ${LEVELS.join(', ')}`);
}

function brief(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
