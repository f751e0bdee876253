import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Does a task and gives a count; what it does before `go` resolves is not timed. */
export type Run<Task> = (task: Task, go: () => Promise<unknown>) => Promise<number>;

/**
 * Does a task in this process, or in several that begin at once: they run this benchmark anew, see {@link serveTask}.
 * @returns milliseconds, and what each has counted
 */
export async function timed<Task>(
  run: Run<Task>,
  task: Task,
  processes: number,
): Promise<{ time: number; counts: number[] }> {
  let started = 0;
  if (processes === 1) {
    const count = await run(task, async () => {
      started = performance.now();
    });
    return { time: performance.now() - started, counts: [count] };
  }
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [process.argv[1] as string, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  started = performance.now();
  const counts = await Promise.all(
    children.map(async ({ stdin, stdout }) => {
      stdin.write('go\n');
      const [text] = (await once(stdout, 'data')) as [Buffer];
      return Number(text.toString());
    }),
  );
  return { time: performance.now() - started, counts };
}

/** The task of a process that {@link timed} has started; null in any other. */
export function givenTask<Task>(): Task | null {
  const text = process.argv[2];
  return text?.startsWith('{') ? (JSON.parse(text) as Task) : null;
}

/** What such a process does. */
export async function serveTask<Task>(run: Run<Task>, task: Task): Promise<void> {
  const count = await run(task, () => {
    process.stdout.write('ready\n');
    return once(process.stdin, 'data');
  });
  process.stdout.write(`${count}\n`);
  process.stdin.unref();
}
