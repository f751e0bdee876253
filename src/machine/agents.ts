import { dirname, resolve } from 'node:path';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { AgentDefinition } from './interfaces.ts';
import { checkProfileData, checkProfiles, FLATAGENT } from './lint/agents.ts';
import type { Findings } from './lint/findings.ts';
import { Report } from './lint/report.ts';
import { checkSchema } from './lint/schema.ts';
import type { LoadedMachine } from './load.ts';
import type { SideFiles } from './side-files.ts';
import type { ConfigPath } from './source-map.ts';

/** The model profiles of a machine. */
export interface Profiles {
  /** Tells one set of profiles from another within a tree. */
  readonly id: string;
  /** `data` of the flatprofile. */
  readonly data: JsonObject;
}

/** A prompt or profile that a flatagent names by such a path is part of it. */
const PATH = /\.(?:ya?ml|json)$/i;

/** Reads what a machine says of agents and their profiles, and reports what is wrong with it. */
export class AgentLoader {
  readonly #files: SideFiles;
  readonly #findings: Findings;

  constructor(files: SideFiles, findings: Findings) {
    this.#files = files;
    this.#findings = findings;
  }

  /** The machine's own profiles (`settings.profiles`, else `profiles`), or null. */
  async profiles(loaded: LoadedMachine, data: JsonObject): Promise<Profiles | null> {
    const setting = isJsonObject(data.settings) ? data.settings.profiles : undefined;
    const at = setting === undefined ? ['data', 'profiles'] : ['data', 'settings', 'profiles'];
    const named = setting ?? data.profiles;
    if (isJsonObject(named)) return this.#inlineProfiles(loaded, named, at);
    if (typeof named !== 'string') return null;
    const file = await this.#files.read(
      { what: 'the profiles', file: named, from: loaded, at },
      'flatprofile',
    );
    if (file === null) return null;
    const config = isJsonObject(file.config) ? file.config : {};
    return { id: String(file.file), data: isJsonObject(config.data) ? config.data : {} };
  }

  /** Profiles in the machine's file: a whole flatprofile, or its `data` alone. */
  #inlineProfiles(loaded: LoadedMachine, named: JsonObject, at: readonly string[]): Profiles {
    const report = new Report(loaded);
    const whole = isJsonObject(named.data);
    if (whole) checkSchema(report, 'flatprofile', named, at);
    const data = whole ? (named.data as JsonObject) : named;
    checkProfileData(report, data, whole ? [...at, 'data'] : at);
    this.#findings.add(...report.found);
    const { file, line, column } = loaded.locate(at, 'key');
    return { id: `${file}:${line}:${column}`, data };
  }

  /**
   * The agents of a machine by name. Those that cannot be made out are left out.
   * @param profiles the machine's, or those of the machine that it is a child of
   */
  async agents(
    loaded: LoadedMachine,
    data: JsonObject,
    profiles: Profiles | null,
  ): Promise<Map<string, AgentDefinition>> {
    const agents = new Map<string, AgentDefinition>();
    for (const [name, written] of Object.entries(isJsonObject(data.agents) ? data.agents : {})) {
      const at = ['data', 'agents', name];
      const source = await this.#source(loaded, name, written, at);
      if (source === null) continue;
      if (source.type === FLATAGENT) {
        const report = new Report(source.from);
        checkProfiles(report, source.config, source.at, profiles?.data ?? null);
        this.#findings.add(...report.found);
      }
      const { type, config, file, dir } = source;
      const location = loaded.locate(at);
      agents.set(name, { name, type, config, file, dir, profiles: profiles?.data ?? null, location });
    }
    return agents;
  }

  /** A path, an inline flatagent, or `{type, ref?, config?}`, whose config wins. Only flatagents are files that are read here. */
  async #source(
    loaded: LoadedMachine,
    name: string,
    written: JsonValue,
    at: readonly string[],
  ): Promise<Source | null> {
    const form = typeof written === 'string' ? { type: FLATAGENT, ref: written } : written;
    if (!isJsonObject(form)) return null;
    const {
      type = FLATAGENT,
      ref,
      config = type === FLATAGENT ? null : {},
    } = form.type === undefined ? { config: form } : form;
    if (typeof type !== 'string') return null;
    const file = typeof ref === 'string' && !ref.includes('://') ? resolve(loaded.dir, ref) : null;
    if (isJsonObject(config)) {
      const place = form.type === undefined ? at : [...at, 'config'];
      const dir = type === FLATAGENT && file !== null ? dirname(file) : loaded.dir;
      const source = { type, config, file, dir, from: loaded, at: place };
      return type === FLATAGENT ? this.#whole(source, name) : source;
    }
    if (typeof ref !== 'string') return null;
    const where = typeof written === 'string' ? at : [...at, 'ref'];
    const read = await this.#files.read(
      { what: `agent "${name}"`, file: ref, from: loaded, at: where },
      FLATAGENT,
    );
    if (read === null || !isJsonObject(read.config)) return null;
    return this.#whole({ type, config: read.config, file, dir: read.dir, from: read, at: [] }, name);
  }

  /** The flatagent with the prompt and the profile that it names by path in their place. */
  async #whole(source: Source, name: string): Promise<Source> {
    const { config, at } = source;
    if (!isJsonObject(config.data)) return source;
    const data = { ...config.data };
    for (const field of ['prompt', 'profile'] as const) {
      const named = data[field];
      if (typeof named !== 'string' || (field === 'profile' && !PATH.test(named))) continue;
      const from = { ...source.from, dir: source.dir };
      const reference = {
        what: `the ${field} of agent "${name}"`,
        file: named,
        from,
        at: [...at, 'data', field],
      };
      const read = await this.#files.read(reference, 'prompt');
      data[field] = read !== null && isJsonObject(read.config) ? read.config : {};
    }
    return { ...source, config: { ...config, data } };
  }
}

/** An agent as written, and where that stands. */
interface Source {
  readonly type: string;
  readonly config: JsonObject;
  readonly file: string | null;
  readonly dir: string;
  readonly from: LoadedMachine;
  readonly at: ConfigPath & readonly string[];
}
