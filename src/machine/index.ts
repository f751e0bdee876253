export { type FormatOptions, formatDiagnostic } from './format-diagnostic.ts';
export {
  type GraphCall,
  type GraphChild,
  type GraphEdge,
  type GraphMark,
  type GraphNode,
  type GraphSource,
  type MachineGraph,
  machineGraph,
} from './graph.ts';
export { GRAPH_FORMATS, type GraphFormat, renderGraph } from './graph-render.ts';
export type * from './interfaces.ts';
export type { KnownHooks } from './lint/hooks.ts';
export { type LintOptions, lintMachine } from './lint/lint.ts';
export { RULES, type Rule, type RuleCode } from './lint/rules.ts';
export { type LoadedMachine, loadMachineFile, loadMachineObject } from './load.ts';
export type { ConfigPath, Part } from './source-map.ts';
export { compileMachine, type LintedTree, lintTree, loadTree } from './tree.ts';
