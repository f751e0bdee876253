/** The reference implementation's options → ours. */
const RENAMED: ReadonlyMap<string, string> = new Map([['--execution-id', '--id']]);

/**
 * Turns the reference implementation's form, `--config FILE --input JSON --execution-id ID --parent-id ID --max-steps N`, into a
 * call of `run`. Anything else comes back as it is.
 */
export function referenceForm(argv: readonly string[]): readonly string[] {
  const first = argv[0];
  const at = argv.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  if (first === undefined || !first.startsWith('-') || at === -1) return argv;
  const config = argv[at] as string;
  const joined = config !== '--config';
  const file = joined ? config.slice('--config='.length) : (argv[at + 1] ?? '');
  const rest = [...argv.slice(0, at), ...argv.slice(joined ? at + 1 : at + 2)];
  return ['run', ...rest.map(rename), ...(file === '' ? [] : ['--', file])];
}

function rename(arg: string): string {
  const [name = '', ...value] = arg.split('=');
  return [RENAMED.get(name) ?? name, ...value].join('=');
}
