import type { JsonObject } from '../../types.ts';
import type { ChannelStreams } from './channel.ts';

/** What a runner supplies of one box; everything else about an environment is the same for all runners. */
export interface Box {
  readonly id: string;
  readonly runner: string;
  readonly address: string;
  /** Where the box keeps the slots' workspaces, as its commands see it. */
  readonly dataDir: string;
  /** Where the box keeps the supervisor's journal, as its commands see it. */
  readonly supervisorDir: string;
  /** Variables that every command gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Where snapshots of workspaces are kept on this host. */
  readonly snapshotDir: string;
  /** Starts a supervisor in the box and gives its streams. Rejects when the box is gone or does not answer in time. */
  openChannel(): Promise<ChannelStreams>;
  /** Whether the box lives; false also when it was removed. Rejects when that cannot be found out. */
  alive(): Promise<boolean>;
  /** Keeps the whole file system, where {@link RunnerCapabilities.freeze} says so; gives the reference. */
  freezeFilesystem?(name: string): Promise<string>;
  /** Facts of the runner's own for {@link Environment.describe}. */
  facts(): Promise<JsonObject>;
  destroy(): Promise<void>;
}
