import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';

const root = packageRoot();

/** Every page: those in the root, and all in the directories that have some. */
const PAGES = [
  ...markdown(root, false),
  ...['bench', 'docs', 'machines'].flatMap((directory) => markdown(join(root, directory), true)),
];

function markdown(directory: string, recursive: boolean): string[] {
  return readdirSync(directory, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A page without its code, in which `[a](b)` is no link. */
function prose(page: string): string {
  return readFileSync(page, 'utf8')
    .replace(/^( *)(```+)[\s\S]*?^\1\2/gm, '')
    .replace(/`[^`\n]*`(?!\])/g, '');
}

function links(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target!);
}

/** The anchors of a page's headings, as they are made on GitHub. */
function anchors(page: string): Set<string> {
  const headings = readFileSync(page, 'utf8')
    .replace(/^( *)(```+)[\s\S]*?^\1\2/gm, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

describe('links between pages', () => {
  it.each(PAGES.map((page) => relative(root, page)))('%s', (name) => {
    const page = join(root, name);
    const broken = links(page).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : resolve(dirname(page), path);
      if (!existsSync(target)) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchors(target).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('are looked at in every page of the documentation', () => {
    expect(PAGES.length).toBeGreaterThan(20);
    expect(links(join(root, 'README.md')).length).toBeGreaterThan(30);
  });
});
