import type { JsonObject, JsonValue } from '../types.ts';
import { compile, compileInput, type Dialect } from './compile-value.ts';
import { DEFAULT_ITEM, itemNames } from './dialect.ts';
import type { State } from './generated/types.ts';
import type {
  CompiledAgentCall,
  CompiledChild,
  CompiledChildren,
  CompiledLaunch,
  ToolLoopSettings,
} from './interfaces.ts';
import type { ConfigPath } from './source-map.ts';

/** The bounds of a tool loop that the file does not set. Times in seconds. */
const TOOL_LOOP_DEFAULTS = {
  max_turns: 50,
  max_tool_calls: 200,
  tool_timeout: 120,
  total_timeout: 3600,
  max_cost: 0,
};

/** The agent call of a state, or null. */
export function compileAgentCall(state: State, path: ConfigPath, dialect: Dialect): CompiledAgentCall | null {
  if (state.agent === undefined) return null;
  const { session_id: session } = state;
  return {
    agent: state.agent,
    execution: { ...(state.execution as JsonObject | undefined), type: state.execution?.type ?? 'default' },
    toolLoop: compileToolLoop(state.tool_loop),
    sessionId: session === undefined ? null : compile(session, [...path, 'session_id'], dialect),
  };
}

function compileToolLoop(written: State['tool_loop']): ToolLoopSettings | null {
  if (written === undefined || written === false) return null;
  const { allowed_tools, denied_tools, ...bounds } = written === true ? {} : written;
  const settings = { ...TOOL_LOOP_DEFAULTS, ...bounds };
  const bound = (value: number) => (value === 0 ? Number.POSITIVE_INFINITY : value);
  return {
    maxTurns: bound(settings.max_turns),
    maxToolCalls: bound(settings.max_tool_calls),
    toolTimeout: bound(settings.tool_timeout),
    totalTimeout: bound(settings.total_timeout),
    maxCost: bound(settings.max_cost),
    allowedTools: allowed_tools ?? null,
    deniedTools: denied_tools ?? [],
  };
}

/** The children a state waits for, or null. */
export function compileChildren(
  name: string,
  state: State,
  path: ConfigPath,
  dialect: Dialect,
): CompiledChildren | null {
  if (state.machine === undefined) return null;
  const listed = Array.isArray(state.machine) ? state.machine : [state.machine];
  const names = itemNames(state);
  return {
    machines: listed.map((child, i): CompiledChild => {
      if (typeof child === 'string') return { machine: child, input: null };
      const at = [...path, 'machine', i, 'input'];
      const input = child.input as JsonValue | undefined;
      return {
        machine: child.name,
        input: input === undefined ? null : compileInput(name, input, at, dialect, names),
      };
    }),
    single: !Array.isArray(state.machine),
    foreach: compileForeach(state, path, dialect),
    mode: state.mode ?? 'settled',
  };
}

function compileForeach(state: State, path: ConfigPath, dialect: Dialect): CompiledChildren['foreach'] {
  if (state.foreach === undefined) return null;
  const names = itemNames(state);
  return {
    // As text it could only fail.
    items: compile(state.foreach as JsonValue, [...path, 'foreach'], { ...dialect, mode: 'native' }),
    as: state.as ?? DEFAULT_ITEM,
    key: state.key === undefined ? null : compile(state.key, [...path, 'key'], dialect, names),
    maxConcurrency: state.max_concurrency ?? null,
  };
}

/** The children a state starts without waiting, or null. */
export function compileLaunch(
  name: string,
  state: State,
  path: ConfigPath,
  dialect: Dialect,
): CompiledLaunch | null {
  if (state.launch === undefined) return null;
  const input = state.launch_input as JsonValue | undefined;
  return {
    machines: Array.isArray(state.launch) ? state.launch : [state.launch],
    input: input === undefined ? null : compileInput(name, input, [...path, 'launch_input'], dialect),
  };
}
