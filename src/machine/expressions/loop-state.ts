import type { Value } from './values.ts';

/** `loop` inside a `for`: where the loop stands. Its own fields are what templates can read. */
export class LoopState {
  index = 1;
  index0 = 0;
  revindex: number;
  revindex0: number;
  first = true;
  last: boolean;
  readonly length: number;
  /** Only recursive loops would be deeper. */
  readonly depth = 1;
  readonly depth0 = 0;
  previtem: Value = undefined;
  nextitem: Value = undefined;

  constructor(items: readonly Value[]) {
    this.length = items.length;
    this.revindex = items.length;
    this.revindex0 = items.length - 1;
    this.last = items.length === 1;
    this.nextitem = items[1];
  }

  /** Moves on to the item at `index0`. */
  move(items: readonly Value[], index0: number): void {
    this.index0 = index0;
    this.index = index0 + 1;
    this.revindex0 = this.length - index0 - 1;
    this.revindex = this.length - index0;
    this.first = index0 === 0;
    this.last = index0 === this.length - 1;
    this.previtem = items[index0 - 1];
    this.nextitem = items[index0 + 1];
  }
}
