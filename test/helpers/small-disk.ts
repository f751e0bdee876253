import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './cli.ts';
import type { Availability } from './components.ts';

/** A file system of its own in memory, so small that it can be filled. */
export class SmallDisk {
  readonly directory: string;

  /** @param size MiB @throws Error when nothing can be mounted here */
  constructor(size: number) {
    this.directory = temporaryDirectory();
    const options = ['-t', 'tmpfs', '-o', `size=${size}m,mode=700`, 'tmpfs', this.directory];
    const { status, error, stderr } = spawnSync('mount', options, { encoding: 'utf8' });
    if (status === 0) return;
    rmSync(this.directory, { recursive: true, force: true });
    throw new Error(`mount: ${error?.message ?? stderr.trim()}`);
  }

  /** Leaves no room for one block more. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.directory);
    writeFileSync(this.#filler, Buffer.alloc(bavail * bsize));
  }

  /** Takes away what {@link fill} has written. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  /** @param size what it has from now on, MiB */
  grow(size: number): void {
    execFileSync('mount', ['-o', `remount,size=${size}m`, this.directory]);
  }

  get #filler(): string {
    return join(this.directory, 'filler');
  }

  /** Unmounts it and removes the directory. */
  dispose(): void {
    spawnSync('umount', ['--lazy', this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether {@link SmallDisk} works here: only root may mount. */
export function smallDiskAvailability(): Availability {
  try {
    new SmallDisk(1).dispose();
    return { available: true, detail: 'tmpfs' };
  } catch (thrown) {
    return { available: false, detail: (thrown as Error).message };
  }
}
