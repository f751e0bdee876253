import { isJsonObject } from '../../json.ts';
import { parseSpecVersion } from '../dialect.ts';
import type { Report } from './report.ts';

/** The highest major version of the language that loads. */
const NEWEST_MAJOR = 4;

/** Rules `not-a-machine`, `unknown-spec-version`, `missing-spec-version`. Whether the rest is worth looking at. */
export function checkEnvelope(report: Report): boolean {
  const { config } = report.loaded;
  if (!isJsonObject(config)) {
    report.add('not-a-machine', [], 'the file holds no map');
    return false;
  }
  if (config.spec !== 'flatmachine') {
    const is =
      config.spec === undefined ? 'does not say' : `says \`spec: ${JSON.stringify(config.spec)}\`, not`;
    const remedy = typeof config.spec === 'string' ? report.meant(config.spec, ['flatmachine']) : undefined;
    report.add('not-a-machine', ['spec'], `the file ${is} \`spec: flatmachine\``, { remedy });
    return false;
  }
  checkVersion(report, config.spec_version);
  return true;
}

function checkVersion(report: Report, version: unknown): void {
  if (version === undefined) {
    report.add('missing-spec-version', ['spec'], 'the file has no `spec_version`; "1.0.0" is taken', {
      part: 'key',
    });
    return;
  }
  const parsed = parseSpecVersion(version);
  if (parsed !== null && parsed.major <= NEWEST_MAJOR) return;
  const why = parsed === null ? 'is not a version' : 'is newer than this program';
  report.add('unknown-spec-version', ['spec_version'], `spec_version ${JSON.stringify(version)} ${why}`);
}
