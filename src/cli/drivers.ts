import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** Packages that stores need, which are installed by whoever uses such a store. */
const DRIVERS: Readonly<Record<string, string>> = {
  ioredis: 'redis://…',
  pg: 'postgres://…',
  '@aws-sdk/client-s3': 's3://…',
};

/** One of them. */
export interface DriverFinding {
  name: string;
  /** The URLs that need it. */
  urls: string;
  /** Null = it is not installed. */
  version: string | null;
}

/** Which drivers are installed beside this package or in the working directory. Loads none of them. */
export function findDrivers(): DriverFinding[] {
  return Object.entries(DRIVERS).map(([name, urls]) => {
    const version = versionFrom(packageRoot(), name) ?? versionFrom(process.cwd(), name);
    return { name, urls, version };
  });
}

/** The version of a package as a file in `directory` would find it. */
function versionFrom(directory: string, name: string): string | null {
  const file = join(directory, 'node_modules', name, 'package.json');
  if (existsSync(file))
    return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
  const above = dirname(directory);
  return above === directory ? null : versionFrom(above, name);
}
