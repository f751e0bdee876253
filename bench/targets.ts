import { loadavg } from 'node:os';

const told: string[] = [];

/** Notes a ratio beside its target; {@link tellTargets} prints them all. */
export function noteTarget(title: string, ratio: number, target: number, of: string): void {
  const verdict = ratio >= target ? 'ok   ' : 'BELOW';
  told.push(`${verdict} ${percent(ratio).padStart(6)} of ${of} (target ${percent(target)}): ${title}`);
}

/** Prints what was noted. */
export function tellTargets(): void {
  console.log(`\n${told.join('\n')}`);
  tellLoad();
}

/** Prints how busy the machine is: on a busy one no rate means anything, and a ratio little. */
export function tellLoad(): void {
  console.log(`load average ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}
