/**
 * Writes `docs/api/` from the TSDoc of everything that `src/index.ts` and `src/conformance/index.ts` export.
 *
 *   node scripts/build-api.mjs            writes
 *   node scripts/build-api.mjs --check    fails when what is there is stale
 *
 * Fails, listing them, when an exported declaration or a method of an exported class has no TSDoc. Reads the declarations that the compiler
 * emits, whose form is always the same, with the small reader in `read-declarations.mjs`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportsOf, membersOf } from './read-declarations.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'docs/api');

/** The pages, and the sources whose exports stand on them; the first that matches. */
const PAGES = [
  [
    'running',
    'Running machines',
    /^(flatmachine|run-handle|machine-invoker|execution\/(setup|resume|engine)|hooks\/registry)/,
  ],
  ['hooks', 'Hooks and work', /^(hooks\/|execution\/interfaces)/],
  ['agents', 'Agents, execution types, tools', /^execution\/(agents|strategies|tools|llm|mcp)\//],
  ['execution', 'Executions', /^(execution|compat)\//],
  ['machine', 'Machines: loading, linting, compiling, drawing', /^machine\//],
  ['stores', 'Stores', /^backends\//],
  ['runners', 'Runners', /^runners\//],
  ['conformance', 'Conformance suites (`flatmachine/conformance`)', /^conformance/],
  ['basics', 'Values, events, errors', /./],
];

/** Constants longer than this are shown by name alone. */
const LONG_LINES = 60;

/** An error for the person who runs this: its message says all. */
class Failure extends Error {}

function main() {
  const types = mkdtempSync(join(tmpdir(), 'flatmachine-api-'));
  try {
    emitDeclarations(types);
    const entries = ['index.d.ts', 'conformance/index.d.ts'].flatMap((entry) =>
      exportsOf(join(types, entry)),
    );
    const found = new Map(
      entries.map((entry) => [entry.name, { ...entry, source: sourceOf(types, entry.file) }]),
    );
    const missing = [...found.values()].flatMap(undocumented);
    if (missing.length > 0) throw new Failure(`without TSDoc:\n  ${missing.sort().join('\n  ')}`);
    const files = pages([...found.values()]);
    if (process.argv.includes('--check')) check(files);
    else write(files);
  } finally {
    rmSync(types, { recursive: true, force: true });
  }
}

function emitDeclarations(outDir) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) throw new Failure(`tsc ended with ${status}`);
}

/** `execution/interfaces`, say. */
function sourceOf(types, file) {
  return relative(types, file).replace(/\.d\.ts$/, '');
}

function undocumented({ name, doc, text, kind, source }) {
  const without = doc === null ? [`${name} (src/${source}.ts)`] : [];
  if (kind !== 'class') return without;
  const methods = membersOf(text).filter((member) => member.doc === null && member.callable);
  return [...without, ...methods.map((member) => `${name}.${member.name} (src/${source}.ts)`)];
}

/** File name → text. */
function pages(declarations) {
  const sorted = declarations.sort(byName);
  const places = placesOf(sorted);
  const files = new Map();
  const index = [];
  for (const [page, title] of PAGES) {
    const own = sorted.filter(({ name }) => places.get(name).page === page);
    if (own.length === 0) continue;
    const link = linker(page, places);
    files.set(`${page}.md`, `${NOTICE}# ${title}\n\n${own.map((one) => declaration(one, link)).join('\n')}`);
    const names = own.map(({ name }) => `[\`${name}\`](${page}.md#${places.get(name).anchor})`).join(' · ');
    index.push(`## [${title}](${page}.md)\n\n${names}\n`);
  }
  files.set('README.md', `${NOTICE}# API\n\n${INTRODUCTION}\n${index.join('\n')}`);
  return files;
}

/** Name → page and anchor. Of headings that differ in case alone the later ones get a number, as on GitHub. */
function placesOf(declarations) {
  const places = new Map();
  const taken = new Map();
  for (const { name, source } of declarations) {
    const [page] = PAGES.find(([, , sources]) => sources.test(source));
    const plain = `${page}#${name.toLowerCase()}`;
    const before = taken.get(plain) ?? 0;
    taken.set(plain, before + 1);
    places.set(name, { page, anchor: name.toLowerCase() + (before === 0 ? '' : `-${before}`) });
  }
  return places;
}

const NOTICE = '<!-- Made from the sources: `node scripts/build-api.mjs`. Do not edit. -->\n';

const INTRODUCTION = `Everything that \`flatmachine\` and \`flatmachine/conformance\` export. The names of the FlatAgents runtime interfaces 1.0.0 mean what they mean there.

\`\`\`ts
import { FlatMachine } from 'flatmachine';

const machine = await FlatMachine.load('machine.yml');
const run = machine.run({ question: '…' });
for await (const event of run) console.log(event.type);
console.log((await run.result).output);
await machine.close();
\`\`\`
`;

function declaration({ name, doc, text, kind }, link) {
  const { summary, tags } = parseDoc(doc);
  const lines = [`## ${name}`, '', link(summary), ''];
  if (tags.length > 0) lines.push(...tags.map((tag) => `- ${link(tag)}`), '');
  return [...lines, '```ts', shown(text, kind), '```', ''].join('\n');
}

/** The declaration as a reader needs it: without what is private, links as plain names. */
function shown(text, kind) {
  const lines = text
    .replace(/^export (declare )?/, '')
    .replace(/\{@link ([^}]+)\}/g, '$1')
    .split('\n')
    .filter((line) => !/^\s*(#private|private .*);$/.test(line));
  if (kind === 'const' && lines.length > LONG_LINES) return `${lines[0].replace(/\{$/, '{ … }')};`;
  return lines.map(halfIndented).join('\n');
}

/** The compiler indents by four. */
function halfIndented(line) {
  const [spaces] = /^ */.exec(line);
  return ' '.repeat(Math.floor(spaces.length / 4) * 2 + (spaces.length % 4)) + line.trimStart();
}

/** A TSDoc comment as running text and its block tags, each a line. */
function parseDoc(doc) {
  const text = doc
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();
  const [summary, ...tags] = text.split(/(?:^|\s)(?=@(?:param|returns|throws|example)\b)/);
  return { summary: summary.trim(), tags: tags.map(tagText) };
}

function tagText(tag) {
  const text = tag.replace(/\s+/g, ' ').trim();
  const [, kind, rest] = /^@(\w+)\s*(.*)$/.exec(text);
  if (kind === 'param') {
    const [, name, what] = /^(\S+)\s*(.*)$/.exec(rest);
    return `\`${name}\`: ${what}`;
  }
  if (kind === 'example') return `Example: \`${rest}\``;
  return `${kind === 'throws' ? 'Throws' : 'Returns'} ${rest}`;
}

/** Turns `{@link X}` into a link to X's place. */
function linker(page, places) {
  return (text) =>
    text.replace(/\{@link ([^}\s|]+)[^}]*\}/g, (_all, name) => {
      const to = places.get(name.split('.')[0]);
      if (to === undefined) return `\`${name}\``;
      return `[\`${name}\`](${to.page === page ? '' : `${to.page}.md`}#${to.anchor})`;
    });
}

function byName(a, b) {
  return a.name.localeCompare(b.name, 'en');
}

function write(files) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(target, name), text);
}

function check(files) {
  const stale = [...files]
    .filter(([name, text]) => readOr(join(target, name)) !== text)
    .map(([name]) => name);
  const extra = listOr(target).filter((name) => !files.has(name));
  const wrong = [...stale, ...extra];
  if (wrong.length > 0) throw new Failure(`stale: ${wrong.join(', ')}; run \`node scripts/build-api.mjs\``);
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function listOr(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`docs/api: ${error.message}`);
  process.exitCode = 1;
}
