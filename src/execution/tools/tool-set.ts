import { FlatMachineError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';
import { OneCall } from '../agents/agent-call.ts';
import type { AgentWork } from '../agents/call-agent.ts';
import type { AgentExecutor } from '../agents/interfaces.ts';
import { matchesGlob } from './glob.ts';
import type { Tool } from './interfaces.ts';
import { SANDBOX_TOOLS, sandboxTools } from './sandbox-tools.ts';

/** What providers take as the name of a tool. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Which tools a loop may use. */
interface ToolFilter {
  /** Names and patterns with `*` and `?`; null = all. */
  readonly allowed: readonly string[] | null;
  /** Wins over `allowed`. */
  readonly denied: readonly string[];
}

/**
 * The tools of a loop, by name: those of the hooks, then those the agent brings, then the sandbox's. A name that comes again
 * belongs to the first who offers it, so that hooks can replace a tool.
 * @param context as hooks see it
 * @throws FlatMachineError `tool` for a name in the lists that nobody offers, a name that no provider takes, or one that the same source offers twice;
 *   whatever the sandbox throws that the tools need
 */
export async function offeredTools(
  work: AgentWork,
  executor: AgentExecutor,
  context: JsonObject,
): Promise<ReadonlyMap<string, Tool>> {
  const { hooks, state, journal } = work;
  const { allowedTools, deniedTools } = work.agent.toolLoop!;
  const filter = { allowed: allowedTools, denied: deniedTools };
  const ofHooks = (await hooks.tools?.(state.name, context)) ?? [];
  const ofAgent = (await executor.tools?.(new OneCall(work, 'tools', 0))) ?? [];
  const ofSandbox = hooks.sandbox === undefined ? [] : SANDBOX_TOOLS;
  assertOffered(work, filter, [...ofHooks, ...ofAgent].map(({ name }) => name).concat(ofSandbox));
  const tools = new Map<string, Tool>();
  add(tools, ofHooks, filter, 'the hooks');
  add(tools, ofAgent, filter, `agent "${work.agent.agent}"`);
  if (ofSandbox.some((name) => isAllowed(name, filter) && !tools.has(name))) {
    const sandbox = await hooks.sandbox!(context, work.work);
    add(tools, sandboxTools(sandbox, journal), filter, 'the sandbox');
  }
  return tools;
}

/** Whether a tool may be used: denied wins, and no list of allowed ones allows all. */
function isAllowed(name: string, { allowed, denied }: ToolFilter): boolean {
  return !matchesAny(name, denied) && (allowed === null || matchesAny(name, allowed));
}

function add(tools: Map<string, Tool>, more: readonly Tool[], filter: ToolFilter, source: string): void {
  const seen = new Set<string>();
  for (const tool of more) {
    const { name } = tool;
    if (!NAME.test(name))
      throw new FlatMachineError('tool', `${source} offers a tool with the name ${JSON.stringify(name)}`);
    if (seen.has(name))
      throw new FlatMachineError('tool', `${source} offers two tools with the name "${name}"`);
    seen.add(name);
    if (isAllowed(name, filter) && !tools.has(name)) tools.set(name, tool);
  }
}

function assertOffered(work: AgentWork, { allowed, denied }: ToolFilter, names: readonly string[]): void {
  const unknown = [...(allowed ?? []), ...denied].filter(
    (name) => !/[*?]/.test(name) && !names.includes(name),
  );
  if (unknown.length === 0) return;
  throw new FlatMachineError(
    'tool',
    `state "${work.state.name}": nobody offers the tool ${unknown.join(', ')}`,
    {
      location: work.state.location,
      remedy:
        names.length > 0 ? `There are: ${names.join(', ')}.` : 'No hooks and no MCP server offer any tools.',
    },
  );
}

function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(name, pattern));
}
