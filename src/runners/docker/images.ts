import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { FlatMachineError } from '../../errors.ts';
import { BOUNDS, type DockerClient, isRefusal, reasonOf } from './client.ts';
import { DATA_DIR } from './container.ts';

const SNAPSHOTS = 'flatmachine-snapshot';
/** Label that every snapshot has, beside those of its container. */
const SNAPSHOT_LABEL = 'flatmachine.snapshot';
const LONGEST_TAG = 128;

/**
 * Gets an image that the daemon does not have.
 * @throws FlatMachineError `create-failed` with the daemon's reason
 */
export async function pullImage(client: DockerClient, image: string): Promise<void> {
  const failed = (reason: string, cause?: unknown) =>
    new FlatMachineError('create-failed', `there is no image ${image}, and it cannot be pulled: ${reason}`, {
      cause,
      remedy: `Run \`docker pull ${image}\`, or build the image, then try again.`,
      details: { image },
    });
  // a registry's image of that name would be a stranger's
  if (image.startsWith(`${SNAPSHOTS}:`)) throw failed('it is a snapshot, which was removed');
  try {
    await client.call(`pull ${image}`, BOUNDS.copy, async (docker, abortSignal) => {
      const progress = await docker.pull(image, { abortSignal });
      for await (const line of createInterface({ input: progress })) {
        const { error } = JSON.parse(line) as { error?: string };
        if (error !== undefined) throw failed(error);
      }
    });
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    throw failed(reasonOf(thrown), thrown);
  }
}

/**
 * Keeps a container's file system as an image; what is there under that name already is returned.
 * @param stateDir whose snapshot it is: the same name under another one is another snapshot
 * @returns the image's name
 * @throws FlatMachineError `sandbox-lost` · `capability` when the workspaces are on a volume, which no image holds
 */
export async function commitContainer(
  client: DockerClient,
  container: string,
  name: string,
  stateDir: string,
): Promise<string> {
  const tag = snapshotTag(name, stateDir);
  const image = `${SNAPSHOTS}:${tag}`;
  try {
    return await client.call('freeze a container', BOUNDS.copy, async (docker, abortSignal) => {
      const { Mounts } = await docker.getContainer(container).inspect({ abortSignal });
      if (await hasImage(client, image)) return image;
      const volume = Mounts.find(({ Destination }) => `${DATA_DIR}/`.startsWith(`${Destination}/`));
      if (volume !== undefined) {
        const message = `the image declares ${volume.Destination} a volume, which a frozen file system does not hold`;
        throw new FlatMachineError('capability', message);
      }
      await docker.getContainer(container).commit({
        repo: SNAPSHOTS,
        tag,
        changes: [`LABEL ${SNAPSHOT_LABEL}=${tag}`],
        abortSignal,
      });
      return image;
    });
  } catch (thrown) {
    if (!isRefusal(thrown, 404)) throw thrown;
    throw new FlatMachineError('sandbox-lost', `container ${container} is gone`, { cause: thrown });
  }
}

/**
 * Removes a snapshot that {@link commitContainer} made, if it is there.
 * @throws FlatMachineError `unsafe-path` for the name of any other image
 */
export async function removeImage(client: DockerClient, image: string): Promise<void> {
  if (!image.startsWith(`${SNAPSHOTS}:`)) {
    throw new FlatMachineError('unsafe-path', `${image} is no snapshot`);
  }
  try {
    await client.call('remove a snapshot', BOUNDS.copy, (docker) => docker.getImage(image).remove());
  } catch (thrown) {
    if (!isRefusal(thrown, 404)) throw thrown;
  }
}

async function hasImage(client: DockerClient, image: string): Promise<boolean> {
  try {
    await client.call('look for an image', BOUNDS.read, (docker) => docker.getImage(image).inspect());
    return true;
  } catch (thrown) {
    if (isRefusal(thrown, 404)) return false;
    throw thrown;
  }
}

/** A name as a tag, and a hash of what a tag cannot hold. */
function snapshotTag(name: string, stateDir: string): string {
  const hash = createHash('sha256')
    .update(`${resolve(stateDir)}\0${name}`)
    .digest('hex')
    .slice(0, 12);
  const readable = name.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^[.-]+/, '');
  return `${readable.slice(0, LONGEST_TAG - hash.length - 2)}-${hash}`.replace(/^-/, '');
}
