/** Does something with each item, at most so many at the same time. Begins no further one after one that throws. */
export async function eachOf<T>(
  items: readonly T[],
  concurrency: number,
  body: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  let failed = false;
  const lane = async () => {
    for (const item of rest) {
      if (failed) return;
      try {
        await body(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane));
}
