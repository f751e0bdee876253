import { resolve } from 'node:path';
import { FlatMachineError, formatLocation } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import { AgentLoader, type Profiles } from './agents.ts';
import { compileOne } from './compile.ts';
import type { GraphSource } from './graph.ts';
import type { AgentDefinition, CompiledMachine, Diagnostic } from './interfaces.ts';
import { lintSideFile, sideKind } from './lint/agents.ts';
import { checkDepth } from './lint/depth.ts';
import { Findings } from './lint/findings.ts';
import { type LintOptions, lintMachine } from './lint/lint.ts';
import type { LoadedMachine } from './load.ts';
import { pathOf, readReferred, SideFiles } from './side-files.ts';

/** How many errors a message lists in full. */
const LISTED = 5;

/** One machine of a tree, before it is compiled; a graph can be made of it. */
interface Branch extends GraphSource {
  readonly loaded: LoadedMachine;
  readonly defaultName: string;
  /** See {@link CompiledMachine.path}. */
  readonly path: readonly string[];
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** By name. A machine may be its own descendant. */
  readonly machines: Map<string, Branch>;
}

/** What the linter says of a tree of files. */
export interface LintedTree {
  /** Each finding once: those of the machine's own file first, then of the files it refers to; by place inside each. */
  readonly found: readonly Diagnostic[];
  /** The text of a file, named as the findings name it. */
  sourceOf(file: string): string;
}

/**
 * Turns a machine and everything it refers to into closures: child machines and agents, in files of their own or inline. Running it
 * reads and parses nothing.
 * @param options what the linter may know beside the files
 * @throws FlatMachineError `invalid-machine` when the linter finds errors in any of them; `details.diagnostics` holds them all
 */
export async function compileMachine(
  loaded: LoadedMachine,
  options: LintOptions = {},
): Promise<CompiledMachine> {
  const tree = new TreeLoader(options);
  const root = await tree.root(loaded);
  const errors = tree.findings.all().filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw invalid(errors);
  return compileTree(root);
}

/**
 * Everything that can be known to be wrong with a machine and with every file it refers to. A flatagent or flatprofile is checked as
 * what it is.
 * @param options what the linter may know beside the files
 */
export async function lintTree(loaded: LoadedMachine, options: LintOptions = {}): Promise<LintedTree> {
  const tree = new TreeLoader(options);
  const { findings } = tree;
  const kind = sideKind(loaded.config);
  if (kind === null) await tree.root(loaded);
  else {
    findings.note(loaded);
    findings.add(...lintSideFile(loaded, kind));
  }
  return { found: findings.all(), sourceOf: (file) => findings.sourceOf(file) };
}

/** A machine with all its children, as far as they can be read, for {@link machineGraph}. */
export function loadTree(loaded: LoadedMachine): Promise<GraphSource> {
  return new TreeLoader({}).root(loaded);
}

class TreeLoader {
  readonly findings = new Findings();
  readonly #options: LintOptions;
  readonly #agents: AgentLoader;
  readonly #files = new Map<string, LoadedMachine | null>();
  readonly #branches = new Map<string, Branch>();

  constructor(options: LintOptions) {
    this.#options = options;
    this.#agents = new AgentLoader(new SideFiles(this.findings), this.findings);
  }

  /** The machine that runs first, with all below it. */
  async root(loaded: LoadedMachine): Promise<Branch> {
    if (loaded.file !== null) this.#files.set(loaded.file, loaded);
    this.#lint(loaded);
    const root = await this.#machine(loaded, null);
    this.findings.add(...checkDepth(root));
    return root;
  }

  #lint(loaded: LoadedMachine): void {
    this.findings.note(loaded);
    this.findings.add(...lintMachine(loaded, this.#options));
  }

  /**
   * A file's own machine. One branch per file and profiles, however often and in whatever circles it is referred to.
   * @param inherited the profiles of the machine that it is a child of
   */
  async #machine(loaded: LoadedMachine, inherited: Profiles | null): Promise<Branch> {
    const profiles = (await this.#agents.profiles(loaded, dataOf(loaded))) ?? inherited;
    const key = loaded.file === null ? null : JSON.stringify([loaded.file, profiles?.id]);
    const known = key === null ? undefined : this.#branches.get(key);
    return known ?? this.#branch(loaded, [], profiles, key);
  }

  async #branch(
    loaded: LoadedMachine,
    path: readonly string[],
    profiles: Profiles | null,
    key: string | null,
  ): Promise<Branch> {
    const data = dataOf(loaded);
    const agents = await this.#agents.agents(loaded, data, profiles);
    const { config, defaultName } = loaded;
    const branch: Branch = { loaded, config, defaultName, path, agents, machines: new Map() };
    if (key !== null) this.#branches.set(key, branch);
    for (const [name, child] of Object.entries(isJsonObject(data.machines) ? data.machines : {})) {
      const found = await this.#child(branch, name, child, profiles);
      if (found !== null) branch.machines.set(name, found);
    }
    return branch;
  }

  async #child(
    parent: Branch,
    name: string,
    child: JsonValue,
    profiles: Profiles | null,
  ): Promise<Branch | null> {
    const at = ['data', 'machines', name];
    if (typeof child === 'string') return this.#file(parent, name, child, at, profiles);
    if (!isJsonObject(child)) return null;
    if (typeof child.path === 'string')
      return this.#file(parent, name, child.path, [...at, 'path'], profiles);
    const wrapped = isJsonObject(child.inline);
    const config = wrapped ? (child.inline as JsonObject) : child;
    const loaded = inline(parent.loaded, name, config, wrapped ? [...at, 'inline'] : at);
    const own = await this.#agents.profiles(loaded, dataOf(loaded));
    return this.#branch(loaded, [...parent.path, name], own ?? profiles, null);
  }

  async #file(
    parent: Branch,
    name: string,
    file: string,
    at: readonly string[],
    profiles: Profiles | null,
  ): Promise<Branch | null> {
    const reference = { what: `machine "${name}"`, file, from: parent.loaded, at };
    const path = resolve(pathOf(reference));
    let loaded = this.#files.get(path);
    if (!loaded) {
      loaded = await readReferred(reference, this.findings);
      this.#files.set(path, loaded);
      if (loaded !== null) this.#lint(loaded);
    }
    return loaded && this.#machine(loaded, profiles);
  }
}

/** `data` of a machine; `{}` for one that has none. */
function dataOf({ config }: LoadedMachine): JsonObject {
  return isJsonObject(config) && isJsonObject(config.data) ? config.data : {};
}

/** A machine that stands inside another's file. The linter has seen it with that file. */
function inline(
  outer: LoadedMachine,
  name: string,
  config: JsonObject,
  at: readonly string[],
): LoadedMachine {
  return {
    ...outer,
    config,
    defaultName: name,
    diagnostics: [],
    locate: (path, part) => outer.locate([...at, ...path], part),
    plainText: (path, part) => outer.plainText([...at, ...path], part),
  };
}

function compileTree(root: Branch): CompiledMachine {
  const done = new Map<Branch, CompiledMachine>();
  const compile = (branch: Branch): CompiledMachine => {
    const known = done.get(branch);
    if (known !== undefined) return known;
    const machines = new Map<string, CompiledMachine>();
    const compiled = compileOne(branch.loaded, { machines, agents: branch.agents, path: branch.path });
    done.set(branch, compiled);
    for (const [name, child] of branch.machines) machines.set(name, compile(child));
    return compiled;
  };
  return compile(root);
}

function invalid(errors: readonly Diagnostic[]): FlatMachineError {
  const listed = errors
    .slice(0, LISTED)
    .map(({ location, message }) => `  ${formatLocation(location)}  ${message}`);
  const more = errors.length > LISTED ? [`  and ${errors.length - LISTED} more`] : [];
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`;
  return new FlatMachineError(
    'invalid-machine',
    [`the machine has ${count}:`, ...listed, ...more].join('\n'),
    {
      details: { diagnostics: errors.map((error) => ({ ...error, location: { ...error.location } })) },
      location: errors[0]?.location,
    },
  );
}
