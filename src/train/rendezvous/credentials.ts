import { readFileSync } from 'node:fs';
import { ShardfeedError } from '../../errors.js';
import type { MeshTls } from '../collective/mesh-tls.js';
import type { Environment } from './places.js';

/** The job's secret: SHARDFEED_SECRET, or the content of SHARDFEED_SECRET_FILE, less white space around it. @throws SHARDFEED_USAGE */
export function secretFrom(environment: Environment): string | undefined {
  const { SHARDFEED_SECRET: given, SHARDFEED_SECRET_FILE: path } = environment;
  if (given !== undefined && path !== undefined) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      'SHARDFEED_SECRET and SHARDFEED_SECRET_FILE are both set: set one of them',
    );
  }
  const secret = path === undefined ? given : textOf(path, 'SHARDFEED_SECRET_FILE').trim();
  if (secret !== '') return secret;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `the secret in ${path === undefined ? 'SHARDFEED_SECRET' : path} is empty`,
  );
}

/** SHARDFEED_TLS_CERT, SHARDFEED_TLS_KEY, and SHARDFEED_TLS_CA if the certificate is not its own authority: PEM files. @throws SHARDFEED_USAGE */
export function tlsFrom(environment: Environment): MeshTls | undefined {
  const { SHARDFEED_TLS_CERT: cert, SHARDFEED_TLS_KEY: key, SHARDFEED_TLS_CA: ca } = environment;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      'TLS takes both SHARDFEED_TLS_CERT and SHARDFEED_TLS_KEY, which are PEM files',
    );
  }
  return {
    cert: textOf(cert, 'SHARDFEED_TLS_CERT'),
    key: textOf(key, 'SHARDFEED_TLS_KEY'),
    ...(ca === undefined ? {} : { ca: textOf(ca, 'SHARDFEED_TLS_CA') }),
  };
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { message } = cause as Error;
    throw new ShardfeedError('SHARDFEED_USAGE', `${name} cannot be read: ${message}`, { path, cause });
  }
}
