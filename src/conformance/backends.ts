import { journalCases } from './backends/journal.ts';
import { lockingCases } from './backends/locking.ts';
import { persistenceCases } from './backends/persistence.ts';
import type { BackendPlace, SetCase } from './backends/place.ts';
import { resultCases } from './backends/results.ts';
import { sharingCases } from './backends/sharing.ts';
import { signalCases } from './backends/signals.ts';
import { slotCases } from './backends/slots.ts';
import type { ConformanceCase } from './case.ts';

export type { BackendPlace } from './backends/place.ts';

const BY_ROLE: Readonly<Record<string, Readonly<Record<string, SetCase>>>> = {
  persistence: persistenceCases,
  locking: lockingCases,
  results: resultCases,
  slots: slotCases,
  journal: journalCases,
  signals: signalCases,
};

/**
 * What every implementation of the backends' interfaces has to pass. What only real processes can show (death, being
 * stopped, races between them) is not in it.
 *
 * @param make gives each case an empty store of its own
 * @param options.shared whether sets opened on one place see each other's data, at once and after all were closed; false for a
 *   store that dies with its set, which leaves the cases out that need it
 * @example
 * for (const c of backendConformance(makePlace, { shared: true })) test(c.name, c.run);
 */
export function backendConformance(
  make: () => Promise<BackendPlace>,
  options: { shared: boolean },
): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  for (const [role, named] of Object.entries(BY_ROLE)) {
    for (const [name, work] of Object.entries(named)) {
      cases.push({ name: `${role}: ${name}`, run: () => inPlace(make, (place) => onOneSet(place, work)) });
    }
  }
  if (!options.shared) return cases;
  for (const [name, work] of Object.entries(sharingCases)) {
    cases.push({ name: `shared: ${name}`, run: () => inPlace(make, work) });
  }
  return cases;
}

async function inPlace(
  make: () => Promise<BackendPlace>,
  work: (place: BackendPlace) => Promise<void>,
): Promise<void> {
  const place = await make();
  try {
    await work(place);
  } finally {
    await place.dispose?.();
  }
}

async function onOneSet(place: BackendPlace, work: SetCase): Promise<void> {
  const set = await place.open();
  try {
    await work(set);
  } finally {
    await set.close();
  }
}
