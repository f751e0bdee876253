// Runs a TypeScript benchmark: `node bench/run.mjs bench/backends.ts [arguments]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [file, ...rest] = process.argv.slice(2);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Inside the project, so that its packages are found.
const out = mkdtempSync(join(root, 'node_modules', '.bench-'));
try {
  const outfile = join(out, 'bench.mjs');
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
  });
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...rest], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
