import { describe, expect, it } from 'vitest';
import { createHeap } from '../../src/backends/memory/heap.ts';
import { createMemoryWork } from '../../src/backends/memory/work.ts';
import { workStoreCases } from '../../src/conformance/backends/work-store.ts';

describe('memory', () => {
  for (const [name, run] of Object.entries(workStoreCases)) it(name, () => run(createMemoryWork()));
});

it('a heap gives what comes first, whatever the order it was filled in', () => {
  for (let round = 0; round < 50; round++) {
    const heap = createHeap<number>((a, b) => a < b);
    const values = Array.from({ length: round }, () => Math.floor(Math.random() * 20));
    for (const value of values) heap.push(value);
    const sorted = values.sort((a, b) => a - b);
    expect(heap.peek()).toBe(sorted[0]);
    expect(values.map(() => heap.pop())).toEqual(sorted);
    expect(heap.pop()).toBe(undefined);
  }
});
