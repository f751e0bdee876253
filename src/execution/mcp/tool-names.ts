import { createHash } from 'node:crypto';
import { matchesGlob } from '../tools/glob.ts';

/** What providers take as the name of a tool. */
const MAX_NAME = 64;

/** Hexadecimal digits that tell names apart which would be the same otherwise. */
const HASH = 8;

/** The name that a model knows a server's tool by: `server__tool`, in the letters that every provider takes. */
export function toolName(server: string, tool: string): string {
  const plain = `${server}__${tool}`;
  const name = plain.replace(/[^A-Za-z0-9_-]/g, '_');
  if (name === plain && name.length <= MAX_NAME) return name;
  // Shortened or changed, it could be another tool's name as well.
  const hash = createHash('sha256').update(`${server}\0${tool}`).digest('hex').slice(0, HASH);
  return `${name.slice(0, MAX_NAME - HASH - 1)}_${hash}`;
}

/** Which of the servers' tools a model may use. */
export interface ServerToolFilter {
  /** Globs over `server:tool` (a glob without `:` means the tool of any server); null = all. */
  readonly allow: readonly string[] | null;
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

/** Whether the filter lets a tool through. */
export function passes({ allow, deny }: ServerToolFilter, server: string, tool: string): boolean {
  const inList = (globs: readonly string[]) => globs.some((glob) => matches(glob, server, tool));
  return !inList(deny) && (allow === null || inList(allow));
}

function matches(glob: string, server: string, tool: string): boolean {
  const text = glob.includes(':') ? `${server}:${tool}` : tool;
  return glob === toolName(server, tool) || matchesGlob(text, glob);
}
