import { isFlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { compileTemplate, isBarePath, isTemplate } from '../expressions/template.ts';
import type { Diagnostic } from '../interfaces.ts';
import type { LoadedMachine } from '../load.ts';
import type { ConfigPath } from '../source-map.ts';
import { byPosition } from './diagnostic.ts';
import { Report } from './report.ts';
import { checkSchema, type SchemaName } from './schema.ts';
import { entries, type MachineView } from './view.ts';

/** What the caller knows of agents. */
export interface AgentKnowledge {
  /** The types of agents that can be called. Absent = names of types are not checked. */
  readonly knownAgentTypes?: Iterable<string>;
}

/** The type of an agent that is given as a path, or inline without one. */
export const FLATAGENT = 'flatagent';

/** Rules `unknown-agent-type`, and for agents that stand in the machine's file those of {@link checkAgent}. */
export function checkAgents(report: Report, machine: MachineView, { knownAgentTypes }: AgentKnowledge): void {
  const known = knownAgentTypes === undefined ? null : new Set(knownAgentTypes);
  for (const [name, agent] of entries(machine.data.agents)) {
    if (!isJsonObject(agent)) continue;
    const at = [...machine.path, 'agents', name];
    if (typeof agent.type !== 'string') {
      checkAgent(report, agent, at);
      continue;
    }
    if (known !== null && !known.has(agent.type)) {
      const remedy = report.meant(agent.type, known) ?? `The types are ${[...known].join(', ')}.`;
      report.add('unknown-agent-type', [...at, 'type'], `there is no type of agent "${agent.type}"`, {
        remedy,
      });
    }
    if (agent.type !== FLATAGENT) continue;
    if (isJsonObject(agent.config)) {
      checkSchema(report, 'flatagent', agent.config, [...at, 'config']);
      checkAgent(report, agent.config, [...at, 'config']);
    } else if (agent.ref === undefined) {
      report.add('missing-field', at, `the flatagent "${name}" needs the field "ref" or "config"`, {
        part: 'key',
      });
    }
  }
}

/** Rule `bad-template` in the prompts and the model of a flatagent, and `missing-field` of its MCP servers. */
function checkAgent(report: Report, agent: JsonObject, at: ConfigPath): void {
  const { data } = agent;
  if (!isJsonObject(data)) return;
  const path = [...at, 'data'];
  checkPrompts(report, data, path);
  for (const field of ['model', 'profile']) checkTemplates(report, data[field], [...path, field]);
  if (isJsonObject(data.prompt)) checkPrompt(report, data.prompt, [...path, 'prompt']);
  if (!isJsonObject(data.mcp)) return;
  checkTemplate(report, data.mcp.tool_prompt, [...path, 'mcp', 'tool_prompt']);
  for (const [name, server] of entries(data.mcp.servers)) {
    if (!isJsonObject(server) || (server.command === undefined) !== (server.server_url === undefined))
      continue;
    const message = `the MCP server "${name}" needs either "command" or "server_url"`;
    report.add('missing-field', [...path, 'mcp', 'servers', name], message, { part: 'key' });
  }
}

/** A prompt's texts stand in it, or under its `data`. */
function checkPrompt(report: Report, prompt: JsonObject, at: ConfigPath): void {
  checkPrompts(report, prompt, at);
  if (isJsonObject(prompt.data)) checkPrompts(report, prompt.data, [...at, 'data']);
}

function checkPrompts(report: Report, map: JsonObject, at: ConfigPath): void {
  for (const field of ['system', 'user', 'instruction_suffix']) {
    checkTemplate(report, map[field], [...at, field]);
  }
}

/** Settings of a model may be templates too. */
function checkTemplates(report: Report, value: JsonValue | undefined, path: ConfigPath): void {
  if (isJsonObject(value)) {
    for (const [key, inner] of Object.entries(value)) checkTemplates(report, inner, [...path, key]);
  } else checkTemplate(report, value, path);
}

function checkTemplate(report: Report, source: JsonValue | undefined, path: ConfigPath): void {
  if (typeof source !== 'string') return;
  const at = report.loaded.locate(path, 'text');
  try {
    compileTemplate(source, 'text', at);
  } catch (error) {
    if (!isFlatMachineError(error)) throw error;
    report.addAt('bad-template', error.location ?? at, error.message, error.remedy);
  }
}

/** What a file beside a machine may be. */
export type SideKind = 'flatagent' | 'flatprofile' | 'prompt';

/** The names that `spec` may have in a file of this kind, the usual one first; a prompt says nothing of the sort. */
const SPECS: Readonly<Record<SideKind, readonly string[]>> = {
  flatagent: ['flatagent', 'flatagents'],
  flatprofile: ['flatprofile', 'flatprofiles'],
  prompt: [],
};

/** The kind of a file that says by its `spec` that it is no machine; null for any other. */
export function sideKind(config: JsonValue): SideKind | null {
  if (!isJsonObject(config)) return null;
  return (
    (['flatagent', 'flatprofile'] as const).find((kind) => SPECS[kind].includes(String(config.spec))) ?? null
  );
}

/** Everything that can be known to be wrong with a file of agents, profiles or prompts. */
export function lintSideFile(loaded: LoadedMachine, kind: SideKind): Diagnostic[] {
  const report = new Report(loaded);
  if (loaded.readable && checkKind(report, kind)) {
    const config = loaded.config as JsonObject;
    if (kind === 'prompt') checkPrompt(report, config, []);
    else checkSchema(report, kind satisfies SchemaName);
    if (kind === 'flatagent') checkAgent(report, config, []);
    if (kind === 'flatprofile') checkProfileData(report, config.data, ['data']);
  }
  return [...loaded.diagnostics, ...report.found].sort(byPosition);
}

/** Rule `wrong-kind`. */
function checkKind(report: Report, kind: SideKind): boolean {
  const { config } = report.loaded;
  const [spec] = SPECS[kind];
  if (!isJsonObject(config)) {
    report.add('wrong-kind', [], `the file of a ${kind} must hold a map`);
    return false;
  }
  if (spec === undefined || SPECS[kind].includes(String(config.spec))) return true;
  const is =
    config.spec === undefined ? 'does not say' : `says \`spec: ${JSON.stringify(config.spec)}\`, not`;
  report.add('wrong-kind', ['spec'], `the file ${is} \`spec: ${spec}\``);
  return false;
}

/** Rules `unknown-profile`, for the `default` and `override` of profiles, and `bad-template` in their settings. */
export function checkProfileData(report: Report, data: JsonValue | undefined, at: ConfigPath): void {
  if (!isJsonObject(data)) return;
  checkTemplates(report, data.model_profiles, [...at, 'model_profiles']);
  for (const field of ['default', 'override']) checkProfile(report, data, data[field], [...at, field]);
}

/**
 * Rules `unknown-profile` and `missing-profiles`: whether the profiles that a flatagent names are there.
 * @param profiles `data` of the profiles; null = there are none
 */
export function checkProfiles(
  report: Report,
  agent: JsonObject,
  at: ConfigPath,
  profiles: JsonObject | null,
): void {
  if (!isJsonObject(agent.data)) return;
  const { model, profile } = agent.data;
  const path = [...at, 'data'];
  checkProfile(report, profiles, profile, [...path, 'profile']);
  if (isJsonObject(model)) checkProfile(report, profiles, model.profile, [...path, 'model', 'profile']);
  else checkProfile(report, profiles, model, [...path, 'model']);
}

function checkProfile(
  report: Report,
  profiles: JsonObject | null,
  name: JsonValue | undefined,
  path: ConfigPath,
): void {
  if (typeof name !== 'string' || isTemplate(name) || isBarePath(name)) return;
  if (profiles === null) {
    report.add('missing-profiles', path, `the profile "${name}" is named, but the machine has no profiles`);
    return;
  }
  const known = entries(profiles.model_profiles).map(([each]) => each);
  if (known.includes(name)) return;
  report.add('unknown-profile', path, `there is no profile "${name}"`, { remedy: report.meant(name, known) });
}
