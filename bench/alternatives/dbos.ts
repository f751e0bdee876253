import { CONTEXT } from '../steps.ts';
import type { Alternatives } from './install.ts';
import type { LoopingGraph } from './langgraph.ts';

interface Dbos {
  setConfig(config: object): void;
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  registerWorkflow(
    work: (steps: number) => Promise<number>,
    options: { name: string },
  ): (steps: number) => Promise<number>;
  runStep(step: () => Promise<object>, options: { name: string }): Promise<{ n: number }>;
  startWorkflow(
    workflow: (steps: number) => Promise<number>,
  ): (steps: number) => Promise<{ getResult(): Promise<number> }>;
}

/** Workflows of steps that give 1 KB each. */
export async function dbos(alternatives: Alternatives, url: string): Promise<LoopingGraph> {
  const { DBOS } = alternatives.load('@dbos-inc/dbos-sdk') as { DBOS: Dbos };
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: 20,
    runAdminServer: false,
    logLevel: 'error',
  });
  const workflow = DBOS.registerWorkflow(
    async (steps) => {
      let n = 0;
      while (n < steps)
        ({ n } = await DBOS.runStep(async () => ({ ...CONTEXT, n: n + 1 }), { name: 'step' }));
      return n;
    },
    { name: 'loop' },
  );
  await DBOS.launch();
  return {
    async run(steps, threads) {
      const each = steps / threads;
      const handles = await Promise.all(
        Array.from({ length: threads }, () => DBOS.startWorkflow(workflow)(each)),
      );
      const ends = await Promise.all(handles.map((handle) => handle.getResult()));
      if (ends.some((n) => n !== each)) throw new Error('a workflow did not loop to its end');
    },
    close: () => DBOS.shutdown(),
  };
}
