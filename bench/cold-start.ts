// Cold start of `flatmachine run machines/hello.yml` against bare node and against better-sqlite3 alone. Build first: npm run build.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './measure.ts';

const ROUNDS = 21;
const root = process.cwd();
const directory = mkdtempSync(join(tmpdir(), 'flatmachine-cold-'));
const sqlite = createRequire(join(root, 'package.json')).resolve('better-sqlite3');
const flatmachine = [join(root, 'dist/cli.cjs'), 'run', join(root, 'machines/hello.yml'), '--quiet'];
const contenders: [name: string, args: string[]][] = [
  ['node -e 0 (the limit)', ['-e', '0']],
  ['better-sqlite3, opened', ['-e', `new (require(${JSON.stringify(sqlite)}))(':memory:')`]],
  ['flatmachine run hello.yml, SQLite, power-loss', flatmachine],
  ['flatmachine run hello.yml, memory', [...flatmachine, '--backend', 'memory']],
];

const times = contenders.map(() => [] as number[]);
try {
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, [name, args]] of contenders.entries()) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      if (round >= 0) times[index]?.push(performance.now() - started);
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const medians = times.map(median);
const bare = medians[0] ?? 0;
console.log(`\ncold start — medians of ${ROUNDS}, interleaved`);
for (const [index, [name]] of contenders.entries()) {
  const time = medians[index] ?? 0;
  console.log(
    `  ${name.padEnd(48)} ${time.toFixed(1).padStart(7)} ms   + ${(time - bare).toFixed(1)} ms   ${(time / bare).toFixed(2)} ×`,
  );
}
