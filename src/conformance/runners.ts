import { commandCases } from './runners/commands.ts';
import { environmentCases } from './runners/environments.ts';
import { fileCases } from './runners/files.ts';
import { hostileCases } from './runners/hostile.ts';
import { isolationCases } from './runners/isolation.ts';
import { journalCases } from './runners/journal.ts';
import { outputCases } from './runners/output.ts';
import type { RunnerCase } from './runners/place.ts';
import { slotCases } from './runners/slots.ts';
import { timeoutCases } from './runners/timeouts.ts';

export { RunnerBench } from './runners/bench.ts';
export type { RunnerCase, RunnerPlace } from './runners/place.ts';

/**
 * What every runner has to do, by topic. The cases of one topic share a {@link RunnerBench}, and with it an environment. What
 * only several processes can show (death of the orchestrator, being stopped) is not in it, nor what only one runner offers.
 *
 * @example
 * for (const [topic, cases] of Object.entries(runnerConformance)) {
 *   const bench = new RunnerBench(place);
 *   for (const c of cases) if (c.needs?.(place.runner.capabilities) ?? true) test(`${topic}: ${c.name}`, () => c.run(bench));
 *   after(() => bench.close());
 * }
 */
export const runnerConformance: Readonly<Record<string, readonly RunnerCase[]>> = {
  commands: commandCases,
  journal: journalCases,
  timeouts: timeoutCases,
  output: outputCases,
  files: fileCases,
  slots: slotCases,
  environments: environmentCases,
  isolation: isolationCases,
  hostile: hostileCases,
};
