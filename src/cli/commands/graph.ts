import { Option } from 'commander';
import { FlatMachineError } from '../../errors.ts';
import {
  formatDiagnostic,
  GRAPH_FORMATS,
  type GraphFormat,
  loadMachineFile,
  loadTree,
  machineGraph,
  renderGraph,
} from '../../machine/index.ts';
import type { CommandSetup } from '../commands.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stdout } from '../io.ts';

/** `graph FILE` */
export const setup: CommandSetup = (command) => {
  command
    .argument('<file>', 'the machine')
    .addOption(new Option('--format <format>', 'how to draw it').choices(GRAPH_FORMATS).default('mermaid'));
  return graph;
};

/** Draws what can be made out: a machine that does not lint yet has a graph too, a file that cannot be read or has no states has none. */
async function graph(file: string, { format }: { format: GraphFormat }): Promise<ExitCode> {
  const loaded = await loadMachineFile(file);
  const drawn = machineGraph(await loadTree(loaded));
  if (drawn.nodes.length === 0) {
    const found = loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic));
    throw new FlatMachineError('invalid-machine', [`${file} has no states to draw`, ...found].join('\n  '));
  }
  stdout.write(renderGraph(drawn, format));
  return EXIT.ok;
}
