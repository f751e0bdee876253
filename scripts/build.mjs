/**
 * Bundles `src/` into `dist/`, with declarations in `dist/types/`.
 *
 *   node scripts/build.mjs          everything
 *   node scripts/build.mjs --fast   no declarations
 *
 * All code is one CommonJS file, `core.cjs`, which the command line and the ES modules of the library share: Node starts one CommonJS
 * file some 20 ms sooner than the same code as a graph of ES modules, and an error thrown by a hook that imports `flatmachine` is an
 * instance of the same class as the engine's. Inside, what the sources import lazily is evaluated lazily.
 * `dependencies` and optional `peerDependencies` stay imports; other `devDependencies` that the sources import are bundled.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What `core.cjs` exports: each part is evaluated when it is asked for. */
const CORE = `
  exports.program = () => require('./src/cli/program.ts');
  exports.index = () => require('./src/index.ts');
  exports.conformance = () => require('./src/conformance/index.ts');
`;

/** Code from a cache has forgotten what `import()` needs, so the core calls one in a file of its own. */
const BANNER = `
  const __url = require('node:url').pathToFileURL(__filename).href;
  const __import = require('./import.cjs');
`;

/** commander starts programs only for subcommands that are programs of their own, of which there are none: loading that part of Node is saved. */
const withoutChildProcess = {
  name: 'commander-without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'child_process', namespace: 'absent' } : null,
    );
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
  },
};

async function bundle() {
  const started = new Date();
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents: CORE, resolveDir: root, sourcefile: 'core.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: Object.keys({ ...dependencies, ...peerDependencies }).flatMap((name) => [name, `${name}/*`]),
    // The ES module build of yaml: what is not used of it is left out.
    alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
    define: { 'import.meta.url': '__url' },
    banner: { js: BANNER },
    plugins: [withoutChildProcess],
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    logLevel: 'warning',
  });
  rmSync(join(dist, 'core.cache'), { force: true });
  replaceFile('import.cjs', 'module.exports = (specifier) => import(specifier);\n');
  replaceFile('core.cjs', outputFiles[0].text.replace(/(?<![\w$.])import\(/g, '__import('));
  const core = createRequire(import.meta.url)(join(dist, 'core.cjs'));
  replaceFile('index.js', wrapper('index', core.index()));
  replaceFile('conformance.js', wrapper('conformance', core.conformance()));
  replaceFile('cli.cjs', readFileSync(join(root, 'src/cli/launch.cjs'), 'utf8'), 0o755);
  // Older than any source that was changed while this ran.
  utimesSync(join(dist, 'cli.cjs'), started, started);
  codeCache();
}

/** A machine is run once, and what was compiled for it kept: see `src/cli/launch.cjs`. */
function codeCache() {
  const cwd = mkdtempSync(join(tmpdir(), 'flatmachine-build-'));
  try {
    spawnSync(process.execPath, [join(root, 'scripts/code-cache.cjs')], { cwd, stdio: 'ignore' });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** An ES module with the names that a part of the core exports. */
function wrapper(part, exported) {
  const names = Object.keys(exported).sort();
  return [
    "import { createRequire } from 'node:module';",
    `export const { ${names.join(', ')} } = createRequire(import.meta.url)('./core.cjs').${part}();\n`,
  ].join('\n');
}

/** Atomically, so that a process that starts meanwhile finds the old file or the new one. */
function replaceFile(name, text, mode = 0o644) {
  mkdirSync(dist, { recursive: true });
  const path = join(dist, name);
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

/** Type errors are the type checker's to report: here they must not keep anybody from installing. */
async function declarations() {
  const types = join(dist, 'types');
  rmSync(types, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
      cwd: root,
      stdio: 'inherit',
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tsc ended with ${code}`))));
  });
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, 'utf8');
    // The compiler leaves `./x.ts` as it is, which users' compilers look for in vain.
    writeFileSync(path, text.replace(/((?:from|import\()\s*'\.{1,2}\/[^']*)\.ts'/g, "$1.js'"));
  }
}

await Promise.all([bundle(), process.argv.includes('--fast') ? null : declarations()]);
