import { busyboxImage, dockerAvailability } from './helpers/docker.ts';

/** Before the first test: what files that run at once would otherwise make in each other's way. */
export default async function setup(): Promise<void> {
  if (dockerAvailability().available) await busyboxImage();
}
