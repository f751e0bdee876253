/** The reference implementation's options → those of `run`, where they differ. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['-c', '--config'],
  ['-i', '--input'],
  ['-e', '--id'],
  ['--execution-id', '--id'],
  ['-p', '--parent-id'],
  ['-v', '--verbose'],
]);

/** How a configuration may be named. */
const CONFIG = /^(?:--config|-c)(?:=|$)/;

/**
 * Turns the reference implementation's form, `--config FILE --input JSON --execution-id ID --parent-id ID --max-steps N --verbose` (short: `-c -i -e -p -v`), into
 * a call of `run`. Anything else comes back as it is.
 */
export function referenceForm(argv: readonly string[]): readonly string[] {
  if (argv[0]?.startsWith('-') !== true || !argv.some((arg) => CONFIG.test(arg))) return argv;
  const options: string[] = [];
  const files: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const { name, value } = split(argv[i] as string);
    if (name !== '--config') {
      options.push(value === null ? name : `${name}=${value}`);
      continue;
    }
    const file = value ?? argv[++i];
    if (file !== undefined) files.push(file);
  }
  return ['run', ...options, ...(files.length === 0 ? [] : ['--', ...files])];
}

/** An option by the name that `run` has for it, and what follows its `=`. */
function split(arg: string): { name: string; value: string | null } {
  const at = arg.startsWith('-') ? arg.indexOf('=') : -1;
  const name = at === -1 ? arg : arg.slice(0, at);
  return { name: RENAMED.get(name) ?? name, value: at === -1 ? null : arg.slice(at + 1) };
}
