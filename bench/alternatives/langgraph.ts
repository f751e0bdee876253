import { CONTEXT } from '../steps.ts';
import type { Alternatives } from './install.ts';

interface Graph {
  addNode(name: string, node: (state: { n: number; text: string }) => Promise<object>): Graph;
  addEdge(from: string, to: string): Graph;
  addConditionalEdges(from: string, choose: (state: { n: number; last: number }) => string): Graph;
  compile(options: object): { invoke(state: object, config: object): Promise<{ n: number }> };
}

interface LangGraph {
  Annotation: { <T>(): T; Root(fields: object): object };
  StateGraph: new (state: object) => Graph;
  START: string;
  END: string;
}

interface Sqlite {
  SqliteSaver: { fromConnString(file: string): { db: { pragma(text: string): unknown; close(): void } } };
}

interface Postgres {
  PostgresSaver: { fromConnString(url: string): { setup(): Promise<void>; end(): Promise<void> } };
}

/** Runs a graph of one node that is looped over. */
export interface LoopingGraph {
  /** Steps in all, by so many threads. */
  run(steps: number, threads: number): Promise<void>;
  close(): Promise<void>;
}

/** With the checkpointer of SQLite, set to synchronous = FULL (its default is NORMAL: process-crash). */
export async function langGraphSqlite(alternatives: Alternatives, file: string): Promise<LoopingGraph> {
  const { SqliteSaver } = alternatives.load('@langchain/langgraph-checkpoint-sqlite') as Sqlite;
  const saver = SqliteSaver.fromConnString(file);
  saver.db.pragma('journal_mode = WAL');
  saver.db.pragma('synchronous = FULL');
  return loopingGraph(alternatives, saver, async () => saver.db.close());
}

/** With the checkpointer of PostgreSQL. */
export async function langGraphPostgres(alternatives: Alternatives, url: string): Promise<LoopingGraph> {
  const { PostgresSaver } = alternatives.load('@langchain/langgraph-checkpoint-postgres') as Postgres;
  const saver = PostgresSaver.fromConnString(url);
  await saver.setup();
  return loopingGraph(alternatives, saver, () => saver.end());
}

function loopingGraph(
  alternatives: Alternatives,
  checkpointer: object,
  close: () => Promise<void>,
): LoopingGraph {
  const { Annotation, StateGraph, START, END } = alternatives.load('@langchain/langgraph') as LangGraph;
  const state = Annotation.Root({ n: Annotation(), text: Annotation(), last: Annotation() });
  const graph = new StateGraph(state)
    .addNode('loop', async ({ n }) => ({ n: n + 1, text: CONTEXT.text }))
    .addEdge(START, 'loop')
    .addConditionalEdges('loop', ({ n, last }) => (n < last ? 'loop' : END))
    .compile({ checkpointer });
  let serial = 0;
  return {
    async run(steps, threads) {
      const last = steps / threads;
      const ends = await Promise.all(
        Array.from({ length: threads }, () =>
          graph.invoke(
            { ...CONTEXT, last },
            // A step is stored before the next begins, as with us.
            {
              configurable: { thread_id: `thread-${serial++}` },
              recursionLimit: last + 5,
              durability: 'sync',
            },
          ),
        ),
      );
      if (ends.some(({ n }) => n !== last)) throw new Error('a graph did not loop to its end');
    },
    close,
  };
}
