import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { ModelAnswer, ModelRequest, ModelScript } from './model-server.ts';

/** A model server in a process of its own: it outlives a client that is killed, and a test's event loop cannot slow it. */
export interface ModelProcess {
  /** To be used as `base_url`. */
  url: string;
  /** What it was asked so far. */
  requests(): Promise<ModelRequest[]>;
  /** Ends it. */
  close(): Promise<void>;
}

/** Starts one and waits until it listens. Answers must be a list here. */
export async function startModelProcess(
  script: Omit<ModelScript, 'answers'> & { answers: readonly ModelAnswer[] },
): Promise<ModelProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'flatmachine-model-'));
  const program = join(directory, 'model-server.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./model-server-main.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const child = spawn(process.execPath, [program, JSON.stringify(script)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url,
    async requests() {
      const answer = (await (await fetch(new URL('/__requests', url))).json()) as {
        requests: ModelRequest[];
      };
      return answer.requests;
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
