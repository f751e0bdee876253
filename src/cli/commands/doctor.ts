import type { CommandSetup } from '../commands.ts';
import { type Diagnosis, diagnose } from '../diagnosis.ts';
import type { DriverFinding } from '../drivers.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout, writeJson } from '../io.ts';
import { type Style, styles, wantsColour } from '../render/style.ts';
import { oneLine, pad } from '../render/text.ts';
import { storeUrl } from '../store.ts';
import type { StoreFinding } from '../store-diagnosis.ts';

interface DoctorOptions {
  backend?: string;
  json?: boolean;
}

/** `doctor` */
export const setup: CommandSetup = (command) => {
  command
    .option('--backend <url>', 'open this store too, as any other command would, and say how it is')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 executions can be kept, at least one runner works, and so does the store · 1 otherwise',
    );
  return doctor;
};

async function doctor({ backend, json }: DoctorOptions): Promise<ExitCode> {
  const diagnosis = await diagnose(backend === undefined ? null : storeUrl(backend));
  if (json === true) writeJson(diagnosis);
  else stdout.write(picture(diagnosis, styles(wantsColour(stdout.stream))));
  return diagnosis.ok ? EXIT.ok : EXIT.failed;
}

function picture(diagnosis: Diagnosis, style: Style): string {
  const { version, checks, drivers, stores, runners, auto } = diagnosis;
  const lines = [style.bold(`flatmachine ${version}`)];
  for (const { name, ok, detail, remedy } of checks) lines.push(...item(style, ok, name, detail, remedy));
  if (stores.length > 0) lines.push('', style.bold('stores'));
  for (const store of stores) lines.push(...storeLines(store, style));
  lines.push('', style.bold('drivers'));
  for (const driver of drivers) lines.push(driverLine(driver, style));
  lines.push('', style.bold('runners'));
  for (const { name, available, detail, remedy, isolation, limits, freeze } of runners) {
    lines.push(...item(style, available, name, detail, remedy));
    const able = [`isolation: ${isolation}`];
    if (limits.length > 0) able.push(`limits: ${limits.join(', ')}`);
    if (freeze.length > 0) able.push(`freeze: ${freeze.join(', ')}`);
    lines.push(style.dim(`    ${able.join(' · ')}`));
  }
  lines.push('', `${style.bold('--runner auto')}  ${auto.runner ?? 'none'}: ${oneLine(auto.reason)}`);
  return `${lines.join('\n')}\n`;
}

function storeLines(store: StoreFinding, style: Style): string[] {
  const { url, ok, detail, remedy, version, durability, keeps, warnings } = store;
  const facts = [version, durability === null ? null : `durability: ${durability}`, detail];
  return [
    `  ${mark(ok, style)} ${oneLine(url)}`,
    `    ${oneLine(facts.filter((fact) => fact !== null).join(' · '))}`,
    ...(keeps.length > 0 ? [style.dim(`    can keep: ${keeps.join(', ')}`)] : []),
    ...warnings.map((warning) => style.yellow(`    warning: ${oneLine(warning)}`)),
    ...(remedy === null ? [] : [style.yellow(`    → ${oneLine(remedy)}`)]),
  ];
}

/** One that is not there is no fault. */
function driverLine({ name, urls, version }: DriverFinding, style: Style): string {
  if (version !== null) return `  ${style.green('✔')} ${pad(name, 20)} ${version}`;
  return `  - ${pad(name, 20)} not installed; ${urls} needs it: npm install ${name}`;
}

function item(style: Style, ok: boolean, name: string, detail: string, remedy: string | null): string[] {
  const line = `  ${mark(ok, style)} ${pad(name, 15)} ${oneLine(detail)}`;
  return ok || remedy === null ? [line] : [line, style.yellow(`    → ${oneLine(remedy)}`)];
}

function mark(ok: boolean, style: Style): string {
  return ok ? style.green('✔') : style.red('✖');
}
