import type { SetCase } from './place.ts';
import { claimCases } from './work-claims.ts';
import { endCases } from './work-ends.ts';
import { leaseCases } from './work-leases.ts';
import { viewCases } from './work-views.ts';

/** Cases of {@link WorkBackend} on one open set. */
export const workCases: Readonly<Record<string, SetCase>> = {
  ...claimCases,
  ...endCases,
  ...leaseCases,
  ...viewCases,
};
