import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { isJsonObject, setOwn } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { Entries, Node, SourceMap } from './source-map.ts';

/** Deepest nesting of a machine file. */
export const MAX_NESTING = 200;

/** How many values aliases may add to those that stand in the file. */
const MAX_ALIASED = 100_000;

/** What went wrong with a node; `limit` ends the reading. */
export type NodeFault = 'duplicate-key' | 'not-json' | 'alias' | 'limit';

/** Thrown to end the reading of a file that is too much. */
export class LimitReached extends Error {}

/**
 * Turns parsed YAML into plain JSON and notes each node's place in `map`. Every name is an own property, `__proto__` included.
 * Anchored values are shared, not copied; what they would come to when written out is bounded.
 * @throws LimitReached once the nesting or the aliases pass their bounds, after reporting it
 */
export function readNodes(
  root: Node,
  map: SourceMap,
  merge: boolean,
  report: (fault: NodeFault, node: Node, message: string) => void,
): JsonValue {
  const anchors = new Map<string, { node: ParsedNode; value: JsonValue; size: number } | null>();
  let size = 0;
  let aliased = 0;

  function limit(node: Node, message: string): never {
    report('limit', node, message);
    throw new LimitReached(message);
  }

  function read(node: Node, depth: number): JsonValue {
    if (node === null) return null;
    if (depth > MAX_NESTING) limit(node, `the file is nested deeper than ${MAX_NESTING} levels`);
    if (isAlias(node)) return readAlias(node);
    const anchor = node.anchor;
    if (anchor) anchors.set(anchor, null);
    const before = size++;
    const value = readValue(node, depth);
    if (anchor) anchors.set(anchor, { node, value, size: size - before });
    return value;
  }

  function readAlias(node: Alias.Parsed): JsonValue {
    const anchor = anchors.get(node.source);
    if (!anchor) {
      const why = anchor === null ? 'stands inside what it refers to' : 'refers to no anchor before it';
      report('alias', node, `the alias *${node.source} ${why}`);
      return null;
    }
    map.aliases.set(node, anchor.node);
    size += anchor.size;
    aliased += anchor.size;
    if (aliased > MAX_ALIASED) limit(node, `aliases expand to more than ${MAX_ALIASED} values`);
    return anchor.value;
  }

  function readValue(node: Exclude<ParsedNode, Alias.Parsed>, depth: number): JsonValue {
    if (isMap(node)) return readMap(node, depth);
    if (isSeq(node)) return node.items.map((item) => read(item as Node, depth + 1));
    return readScalar(node as Scalar.Parsed);
  }

  function readScalar(node: Scalar.Parsed): JsonValue {
    const value = node.value;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    report('not-json', node, `${node.source} is not a value that JSON can hold`);
    return null;
  }

  function readMap(node: YAMLMap.Parsed, depth: number): JsonObject {
    const result: JsonObject = {};
    const entries: Entries = new Map();
    const merges: [Node, JsonValue][] = [];
    map.maps.set(node, entries);
    for (const pair of node.items as Pair<Node, Node>[]) {
      if (merge && isMergeKey(pair.key)) {
        merges.push([pair.value, read(pair.value, depth + 1)]);
        continue;
      }
      const key = keyText(pair.key);
      if (key === null) {
        report('not-json', pair.key, 'a key must be a single word or text');
        continue;
      }
      const value = read(pair.value, depth + 1);
      const first = entries.get(key);
      if (first) {
        const { line } = map.at(first.key?.range?.[0] ?? 0);
        report('duplicate-key', pair.key, `the key "${key}" stands here twice, first on line ${line}`);
        continue;
      }
      entries.set(key, pair);
      setOwn(result, key, value);
    }
    for (const [source, value] of merges) mergeInto(source, value, result, entries);
    return result;
  }

  function mergeInto(source: Node, value: JsonValue, result: JsonObject, entries: Entries): void {
    const target = isAlias(source) ? (map.aliases.get(source) ?? null) : source;
    if (isSeq(target) && Array.isArray(value)) {
      value.forEach((item, i) => {
        mergeInto(target.items[i] as Node, item, result, entries);
      });
      return;
    }
    if (!isMap(target) || !isJsonObject(value)) {
      report('alias', source, '`<<` takes a map, or a list of maps');
      return;
    }
    for (const [key, pair] of map.maps.get(target) ?? []) {
      if (entries.has(key)) continue;
      entries.set(key, pair);
      setOwn(result, key, value[key] ?? null);
    }
  }

  return read(root, 0);
}

function isMergeKey(key: Node): boolean {
  return isScalar(key) && key.source === '<<' && key.type === 'PLAIN';
}

/** Keys are names: a plain key is what is written, so `010` stays `010`. */
function keyText(key: Node): string | null {
  if (key === null) return '';
  if (!isScalar(key)) return null;
  return typeof key.value === 'string' ? key.value : key.source;
}
