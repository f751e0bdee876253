import type { CommandSetup } from '../commands.ts';
import { type Diagnosis, diagnose } from '../diagnosis.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout, writeJson } from '../io.ts';
import { type Style, styles, wantsColour } from '../render/style.ts';
import { oneLine, pad } from '../render/text.ts';

/** `doctor` */
export const setup: CommandSetup = (command) => {
  command
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 executions can be kept and at least one runner works · 1 otherwise',
    );
  return doctor;
};

async function doctor({ json }: { json?: boolean }): Promise<ExitCode> {
  const diagnosis = await diagnose();
  if (json === true) writeJson(diagnosis);
  else stdout.write(picture(diagnosis, styles(wantsColour(stdout.stream))));
  return diagnosis.ok ? EXIT.ok : EXIT.failed;
}

function picture({ version, checks, runners, auto }: Diagnosis, style: Style): string {
  const lines = [style.bold(`flatmachine ${version}`)];
  for (const { name, ok, detail, remedy } of checks) lines.push(...item(style, ok, name, detail, remedy));
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

function item(style: Style, ok: boolean, name: string, detail: string, remedy: string | null): string[] {
  const mark = ok ? style.green('✔') : style.red('✖');
  const line = `  ${mark} ${pad(name, 15)} ${oneLine(detail)}`;
  return ok || remedy === null ? [line] : [line, style.yellow(`    → ${oneLine(remedy)}`)];
}
