import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

const root = packageRoot();
const FENCED = /^( *)(```+)(.*)\n([\s\S]*?)^\1\2/gm;
const INLINE = /`([^`\n]+)`/g;

/** Every page of documentation: absolute paths. */
export const PAGES: readonly string[] = [
  ...markdown(root, false),
  ...['bench', 'docs', 'machines/examples'].flatMap((directory) => markdown(join(root, directory), true)),
];

function markdown(directory: string, recursive: boolean): string[] {
  return readdirSync(directory, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** A page without its blocks of code. */
export function withoutBlocks(page: string): string {
  return readFileSync(page, 'utf8').replace(FENCED, '');
}

/** A page without any code. */
export function prose(page: string): string {
  return withoutBlocks(page).replace(INLINE, '');
}

/** The blocks of code of a page, with their language. */
export function blocks(page: string): { language: string; code: string }[] {
  const found = [...readFileSync(page, 'utf8').matchAll(FENCED)];
  return found.map(([, , , language, code]) => ({ language: language!, code: code! }));
}

/** The lines of a page's code, in blocks and in text; lines that go on are one. */
export function codeLines(page: string): string[] {
  const inline = [...withoutBlocks(page).matchAll(INLINE)].map(([, code]) => code!);
  return [...blocks(page).flatMap(({ code }) => code.replace(/\\\n/g, ' ').split('\n')), ...inline];
}
