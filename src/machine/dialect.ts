import { isJsonObject } from '../json.ts';
import type { JsonObject } from '../types.ts';
import type { ExpressionEngine } from './expressions/condition.ts';
import type { TemplateMode } from './expressions/template.ts';

/** The version taken for a file that names none. */
export const DEFAULT_SPEC_VERSION = '1.0.0';

const VERSION = /^(\d+)\.(\d+)(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?$/;

/** Major and minor of a `spec_version`; null when it is not one. `1` and `1.0` are taken too. */
export function parseSpecVersion(version: unknown): { major: number; minor: number } | null {
  const text = typeof version === 'number' ? String(version) : version;
  if (typeof text !== 'string') return null;
  const match = VERSION.exec(/^\d+$/.test(text) ? `${text}.0` : text);
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : null;
}

/** `settings.templates`, else what the file's version says: text for 1.1 to 4.x, native for 0.x, 1.0 and none. */
export function templateMode(specVersion: unknown, data: JsonObject): TemplateMode {
  const setting = isJsonObject(data.settings) ? data.settings.templates : undefined;
  if (setting === 'native' || setting === 'text') return setting;
  const version = parseSpecVersion(specVersion);
  if (version === null) return 'native';
  return version.major > 1 || (version.major === 1 && version.minor >= 1) ? 'text' : 'native';
}

/** The name of a foreach's item where the state gives it none. */
export const DEFAULT_ITEM = 'item';

/** Names that the templates of a foreach's state may use beside the usual ones; none without a foreach. */
export function itemNames({ foreach, as }: { foreach?: unknown; as?: unknown }): readonly string[] {
  return foreach === undefined ? [] : [typeof as === 'string' ? as : DEFAULT_ITEM, 'index'];
}

/** `expression_engine`, `simple` without one. */
export function expressionEngine(data: JsonObject): ExpressionEngine {
  return data.expression_engine === 'cel' ? 'cel' : 'simple';
}
