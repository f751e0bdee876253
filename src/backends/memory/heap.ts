/** A priority queue: what comes before everything else is at its top. */
export interface Heap<T> {
  push(value: T): void;
  /** Undefined = it is empty. */
  peek(): T | undefined;
  pop(): T | undefined;
}

/** Makes an empty binary heap. */
export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const values: T[] = [];

  function at(i: number): T {
    return values[i] as T;
  }

  /** The smaller one of what is at `i` and at its two children. */
  function first(i: number): number {
    let best = i;
    for (const child of [2 * i + 1, 2 * i + 2]) {
      if (child < values.length && before(at(child), at(best))) best = child;
    }
    return best;
  }

  function swap(i: number, j: number): void {
    const value = at(i);
    values[i] = at(j);
    values[j] = value;
  }

  return {
    push(value) {
      let i = values.push(value) - 1;
      for (let parent = (i - 1) >> 1; i > 0 && before(at(i), at(parent)); parent = (i - 1) >> 1) {
        swap(i, parent);
        i = parent;
      }
    },
    peek: () => values[0],
    pop() {
      const top = values[0];
      const last = values.pop() as T;
      if (values.length === 0) return top;
      values[0] = last;
      for (let i = 0, next = first(0); next !== i; next = first(i)) {
        swap(i, next);
        i = next;
      }
      return top;
    },
  };
}
