import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** Conditions under which `import()` takes an entry of `exports`. */
const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'node-addons', 'default']);

/**
 * The URL that `import(specifier)` would load in a file of `dir`. Node resolves from another directory only as `require` does, which does not see
 * packages that have nothing but ES modules.
 */
export function resolveModule(specifier: string, dir: string): string {
  const require = createRequire(join(dir, 'machine.js'));
  try {
    return pathToFileURL(require.resolve(specifier)).href;
  } catch (thrown) {
    const { code } = toError(thrown) as { code?: unknown };
    const entry = code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? importEntry(specifier, require) : null;
    if (entry === null) throw thrown;
    return pathToFileURL(entry).href;
  }
}

/** The file that a package's `exports` name for `import`, or null. */
function importEntry(specifier: string, require: NodeJS.Require): string | null {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
  if (name === undefined) return null;
  for (const modules of require.resolve.paths(name) ?? []) {
    const packageDir = join(modules, name);
    const file = join(packageDir, 'package.json');
    if (!existsSync(file)) continue;
    const { exports } = JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
    const target = importTarget(subpathOf(exports ?? null, `.${rest}`));
    return target === null ? null : join(packageDir, target);
  }
  return null;
}

function subpathOf(exports: JsonValue, subpath: string): JsonValue {
  if (isJsonObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'))) {
    return exports[subpath] ?? null;
  }
  return subpath === '.' ? exports : null;
}

function importTarget(entry: JsonValue): string | null {
  if (typeof entry === 'string') return entry;
  if (!isJsonObject(entry)) return null;
  for (const [condition, value] of Object.entries(entry)) {
    const target = CONDITIONS.has(condition) ? importTarget(value) : null;
    if (target !== null) return target;
  }
  return null;
}
