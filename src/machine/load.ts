import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Document, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { FlatMachineError } from '../errors.ts';
import { isJsonObject, toJson } from '../json.ts';
import type { JsonValue, SourceLocation } from '../types.ts';
import { prepareCel } from './expressions/cel-environment.ts';
import type { Diagnostic } from './interfaces.ts';
import { findJsonError } from './json-syntax.ts';
import { diagnostic } from './lint/diagnostic.ts';
import type { RuleCode } from './lint/rules.ts';
import { LimitReached, type NodeFault, readNodes } from './load-nodes.ts';
import { type ConfigPath, type Node, type Part, SourceMap } from './source-map.ts';

/** Largest machine file, bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Further syntax errors of one file are left out: they mostly follow from the first. */
const MAX_SYNTAX_ERRORS = 20;

/** A machine as read: its configuration and the place of everything in it. Not yet known to be a good one. */
export interface LoadedMachine {
  /** What the file holds; null when it could not be read (then `diagnostics` says why). */
  readonly config: JsonValue;
  /** Absolute path; null for a machine given as an object. */
  readonly file: string | null;
  /** What relative paths in it are relative to. Absolute. */
  readonly dir: string;
  /** Its name when it gives none. */
  readonly defaultName: string;
  /** The text of the file; empty for an object. */
  readonly source: string;
  /** Whether the whole file could be read; a broken one is not linted further. */
  readonly readable: boolean;
  /** What was wrong with the file itself. */
  readonly diagnostics: readonly Diagnostic[];
  /** The place of the value (or its key) at a path of the configuration; of the nearest ancestor when there is nothing. */
  locate(path: ConfigPath, part?: Part): SourceLocation;
  /** The text of an unquoted one-line value (or key) as it stands in the file; null for anything else. */
  plainText(path: ConfigPath, part?: 'key' | 'value'): string | null;
}

/**
 * Reads a machine file: JSON when its name ends in `.json`, else YAML 1.2 (with `<<` merges). What is wrong inside becomes diagnostics.
 * Places in them carry `path` as given.
 * @throws FlatMachineError `file-not-found` when the file cannot be read at all
 */
export async function loadMachineFile(path: string): Promise<LoadedMachine> {
  const loaded = readMachineFile(path);
  if (usesCel(loaded.config)) await prepareCel();
  return loaded;
}

/**
 * Takes a machine from memory. Places in its diagnostics name the path inside it (`demo#data.states.start`), line 1.
 * @param options.dir what relative paths are relative to
 * @param options.name stands for the file's name
 * @throws FlatMachineError `not-json`
 */
export async function loadMachineObject(
  config: unknown,
  options: { dir: string; name?: string },
): Promise<LoadedMachine> {
  const name = options.name ?? 'machine';
  const loaded: LoadedMachine = {
    config: toJson(config, name),
    file: null,
    dir: resolve(options.dir),
    defaultName: name,
    source: '',
    readable: true,
    diagnostics: [],
    locate: (path) => ({ file: path.length > 0 ? `${name}#${path.join('.')}` : name, line: 1, column: 1 }),
    plainText: () => null,
  };
  if (usesCel(loaded.config)) await prepareCel();
  return loaded;
}

function readMachineFile(path: string): LoadedMachine {
  const file = resolve(path);
  const common = { file, dir: dirname(file), defaultName: basename(file).replace(/\.[^.]*$/, '') };
  const start: SourceLocation = { file: path, line: 1, column: 1 };
  const bytes = readBounded(path);
  const source = bytes && decodeUtf8(bytes);
  if (!source) {
    const found =
      bytes === null
        ? diagnostic('too-large', `the file is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`, start)
        : diagnostic(
            'yaml-syntax',
            bytes.length > 0 ? 'the file is not UTF-8 text' : 'the file is empty',
            start,
          );
    return { ...common, ...nothing(start), diagnostics: [found] };
  }
  return { ...common, ...parse(source, path) };
}

type Parsed = Omit<LoadedMachine, 'file' | 'dir' | 'defaultName'>;

function nothing(start: SourceLocation): Omit<Parsed, 'diagnostics'> {
  return { config: null, source: '', readable: false, locate: () => start, plainText: () => null };
}

function parse(source: string, path: string): Parsed {
  const lines = new LineCounter();
  const map = new SourceMap(path, source, lines);
  const diagnostics: Diagnostic[] = [];
  const add = (code: RuleCode, message: string, offset: number): void => {
    diagnostics.push(diagnostic(code, message, map.at(offset)));
  };
  const json = path.toLowerCase().endsWith('.json');
  const jsonError = json ? findJsonError(source) : null;
  const document = parseYaml(source, lines, json);
  if (jsonError) add('yaml-syntax', `not JSON: here should stand ${jsonError.expected}`, jsonError.offset);
  else if (document === null) add('too-large', 'the file is nested too deeply', 0);
  else for (const fault of syntaxErrors(document)) add(...fault);

  const readable = diagnostics.length === 0;
  const config = readable && document ? readDocument(document, map, !json, add) : null;
  return {
    config: config?.value ?? null,
    source,
    readable: config !== null,
    diagnostics,
    locate: (at, part = 'value') => map.locate(at, part),
    plainText: (at, part = 'value') => map.plainText(at, part),
  };
}

/** null = deeper than the parser's own stack. */
function parseYaml(source: string, lines: LineCounter, json: boolean): Document.Parsed<ParsedNode> | null {
  try {
    return parseDocument(source, {
      lineCounter: lines,
      schema: json ? 'json' : 'core',
      // Found in linear time while the nodes are read.
      uniqueKeys: false,
      prettyErrors: false,
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function syntaxErrors(document: Document.Parsed<ParsedNode>): [RuleCode, string, number][] {
  const found = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  return found
    .slice(0, MAX_SYNTAX_ERRORS)
    .map((error) => [
      error.code === 'RESOURCE_EXHAUSTION' ? 'too-large' : 'yaml-syntax',
      error.message,
      error.pos[0],
    ]);
}

const FAULT_CODES: Record<NodeFault, RuleCode> = {
  'duplicate-key': 'duplicate-key',
  'not-json': 'not-json',
  alias: 'yaml-syntax',
  limit: 'too-large',
};

function readDocument(
  document: Document.Parsed<ParsedNode>,
  map: SourceMap,
  merge: boolean,
  add: (code: RuleCode, message: string, offset: number) => void,
): { value: JsonValue } | null {
  const root = document.contents as Node;
  map.root = root;
  try {
    const value = readNodes(root, map, merge, (fault, node, message) => {
      add(FAULT_CODES[fault], message, node?.range?.[0] ?? 0);
    });
    return { value };
  } catch (error) {
    if (error instanceof LimitReached) return null;
    throw error;
  }
}

/** The file's bytes; null when there are too many. Also reads pipes, which have no size. */
function readBounded(path: string): Buffer | null {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    if (fstatSync(descriptor).size > MAX_FILE_BYTES) return null;
    const chunks: Buffer[] = [];
    for (let total = 0; total <= MAX_FILE_BYTES; ) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const count = readSync(descriptor, chunk);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      total += count;
    }
    return null;
  } catch (error) {
    throw new FlatMachineError('file-not-found', `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Empty when the bytes are not UTF-8. */
function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return '';
  }
}

/** Whether the machine or an inline child has conditions in CEL, whose engine loads only then. */
function usesCel(config: JsonValue): boolean {
  if (!isJsonObject(config)) return false;
  if (isJsonObject(config.inline)) return usesCel(config.inline);
  const data = config.data;
  if (!isJsonObject(data)) return false;
  if (data.expression_engine === 'cel') return true;
  return isJsonObject(data.machines) && Object.values(data.machines).some((child) => usesCel(child));
}
