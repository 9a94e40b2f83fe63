// Builds the npm package kerberos in .cache/kerberos, once, for the tests against a cluster with Kerberos: `npm run kerberos`.
// It is an optional package of shardfeed and no development dependency, as it needs a compiler and the headers of
// Kerberos (Debian: g++ make python3 libkrb5-dev).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../.cache/kerberos/', import.meta.url));
const VERSION = '7.0.0';

/** The entry of the package, or undefined where it has not been built. */
export function findKerberosPackage() {
  const folder = join(CACHE, 'node_modules/kerberos');
  return existsSync(join(folder, 'build/Release/kerberos.node')) ? join(folder, 'lib/index.js') : undefined;
}

/** @throws where it cannot be had or built */
export function ensureKerberosPackage() {
  const found = findKerberosPackage();
  if (found !== undefined) return found;
  mkdirSync(CACHE, { recursive: true });
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
  const env = { ...process.env, ...headers, npm_config_build_from_source: 'true' };
  const args = ['install', '--no-save', '--no-package-lock', '--prefix', CACHE, `kerberos@${VERSION}`];
  const { status } = spawnSync('npm', args, { env, stdio: ['ignore', 2, 2] });
  const built = findKerberosPackage();
  if (status === 0 && built !== undefined) return built;
  throw new Error(`npm ${args.join(' ')} ended with ${status}: are g++, make, python3 and libkrb5-dev there?`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(ensureKerberosPackage());
