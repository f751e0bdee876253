import type { Finish, WorkPool } from '../src/backends/interfaces.ts';

/** Claims and completes until nothing is left: so many items at a time, so often at once. @returns how many */
export async function drain(pool: WorkPool, batch: number, width: number): Promise<number> {
  let finished = 0;
  const loop = async () => {
    let { claimed } = await pool.exchange([], 'w', batch);
    while (claimed.length > 0) {
      finished += claimed.length;
      const ends: Finish[] = claimed.map(({ id, claim_token }) => ({ id, claim_token, status: 'done' }));
      ({ claimed } = await pool.exchange(ends, 'w', batch));
    }
  };
  await Promise.all(Array.from({ length: width }, loop));
  return finished;
}
