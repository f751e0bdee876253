import { join, relative } from 'node:path';
import { transform } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import * as library from '../../src/index.ts';
import { lintMachine, loadMachineObject } from '../../src/machine/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { JsonObject } from '../../src/types.ts';
import { blocks, PAGES } from '../helpers/pages.ts';

const root = packageRoot();

/** Written by hand: the API reference shows declarations, which another test compares with the sources. */
const WRITTEN = PAGES.map((page) => relative(root, page)).filter((page) => !page.startsWith('docs/api/'));

/** What is wrong with a block, by language. */
const CHECKS: Record<string, (code: string) => Promise<string[]>> = {
  yaml: async (code) => {
    const document = parseDocument(code);
    const { errors } = document;
    if (errors.length > 0) return errors.map(({ message }) => message);
    const value = document.toJS() as JsonObject | null;
    if (value?.spec !== 'flatmachine') return [];
    const machine = await loadMachineObject(value, { dir: root });
    const found = await lintMachine(machine, { knownHooks: library.builtinHooks().known() });
    return found.map(({ message }) => message);
  },
  json: async (code) => {
    JSON.parse(code);
    return [];
  },
  js: script,
  ts: script,
};

async function script(code: string): Promise<string[]> {
  await transform(code.replaceAll('…', 'undefined'), { loader: 'ts', format: 'esm' });
  const names = [...code.matchAll(/^import \{([^}]*)\} from 'flatmachine'/gm)].flatMap(([, list]) =>
    list!.split(','),
  );
  return names.map((name) => name.trim()).filter((name) => name !== '' && !(name in library));
}

describe('the code in the documentation can be read', () => {
  it.each(WRITTEN)('%s', async (page) => {
    for (const { language, code } of blocks(join(root, page))) {
      expect((await CHECKS[language]?.(code)) ?? [], code).toEqual([]);
    }
  });

  it('and there is some, in each language', () => {
    const languages = PAGES.flatMap((page) => blocks(page).map(({ language }) => language));
    expect(languages).toEqual(expect.arrayContaining([...Object.keys(CHECKS), 'sh']));
  });
});
