/** One contender: a name, and a function that does `units` of work. It may return the milliseconds they took, if not all that it does counts. */
export type Contender = readonly [name: string, work: () => Promise<number | void> | number | void];

/**
 * Runs contenders interleaved, `rounds` times each after one round to warm up, and prints medians as rates and as ratios to the first: the raw limit in
 * the same run, since absolute times of a shared machine mean nothing.
 * @returns the ratio of each contender to the first
 */
export async function compare(
  title: string,
  units: number,
  contenders: readonly Contender[],
  rounds = 5,
): Promise<number[]> {
  const times = contenders.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++) {
    for (const [index, [, work]] of contenders.entries()) {
      const started = performance.now();
      const took = await work();
      if (round >= 0) times[index]?.push(took ?? performance.now() - started);
    }
  }
  const rates = times.map((samples) => (units * 1000) / median(samples));
  const ratios = rates.map((rate) => rate / (rates[0] ?? rate));
  console.log(`\n${title} — medians of ${rounds}, interleaved`);
  for (const [index, [name]] of contenders.entries()) {
    const rate = Math.round(rates[index] ?? 0).toLocaleString('en');
    console.log(
      `  ${name.padEnd(52)} ${rate.padStart(12)} /s   ${((ratios[index] ?? 0) * 100).toFixed(1)} %`,
    );
  }
  return ratios;
}

/** The middle of a sample. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
