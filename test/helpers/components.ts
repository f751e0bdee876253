import { describe, it } from 'vitest';

/** Components that must be there: a missing one fails instead of being skipped. `FLATMACHINE_REQUIRE=docker,bubblewrap` in CI. */
const required = new Set((process.env.FLATMACHINE_REQUIRE ?? '').split(',').filter((name) => name !== ''));

/** Whether a component can be used here, and if not, why. */
export type Availability = { available: boolean; detail: string };

/**
 * `describe` for tests against a real component. Its name goes into the suite's as `[component]`, which is how the closing summary counts what ran against
 * what. Without the component the tests are skipped with the reason, or fail when it is required.
 */
export function describeWith(component: string, name: string, found: Availability, body: () => void): void {
  const title = `[${component}] ${name}`;
  if (found.available) describe(title, body);
  else if (required.has(component)) {
    describe(title, () => {
      it('is required here', () => {
        throw new Error(`${component} is required (FLATMACHINE_REQUIRE) but cannot be used: ${found.detail}`);
      });
    });
  } else describe.skip(`${title} (skipped: ${found.detail})`, body);
}
