import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/package-root.ts';
import { PAGES, prose, withoutBlocks } from '../helpers/pages.ts';

const root = packageRoot();

function links(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target!);
}

/** The anchors of a page's headings, as GitHub makes them: one that comes again gets a number. */
function anchors(page: string): Set<string> {
  const titles = [...withoutBlocks(page).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!);
  const found = new Set<string>();
  for (const title of titles) {
    const plain = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let anchor = plain;
    for (let i = 1; found.has(anchor); i++) anchor = `${plain}-${i}`;
    found.add(anchor);
  }
  return found;
}

function isBroken(page: string, link: string): boolean {
  if (/^https?:/.test(link)) return false;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : resolve(dirname(page), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchors(target).has(anchor);
}

describe('the links between pages lead somewhere', () => {
  it.each(PAGES.map((page) => relative(root, page)))('%s', (name) => {
    const page = join(root, name);
    expect(links(page).filter((link) => isBroken(page, link))).toEqual([]);
  });

  it('and there are some', () => {
    expect(PAGES.length).toBeGreaterThan(20);
    expect(links(join(root, 'README.md')).length).toBeGreaterThan(30);
  });
});
