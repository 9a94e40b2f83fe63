import { readFileSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { ShardfeedError } from '../../errors.js';

/** Whom to trust over https, and who we are there. All are paths of PEM files. */
export interface TlsOptions {
  /** Certificates of the authorities to trust in place of Node's. Default: SSL_CERT_FILE, else Node's and NODE_EXTRA_CA_CERTS. */
  ca?: string;
  /** Our certificate, where servers ask for one. */
  cert?: string;
  /** The private key of `cert`. */
  key?: string;
  /** Opens `key` where it is encrypted. */
  passphrase?: string;
}

/**
 * What an https agent takes. Server certificates and their names are always verified; nothing turns that off.
 * @throws SHARDFEED_USAGE for a file that cannot be read or is no PEM, such as the JKS trust stores of ssl-client.xml, a key
 * that the passphrase does not open, and a certificate of another key
 */
export function tlsAgentOptions(
  options: TlsOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): AgentOptions {
  const { cert, key, passphrase } = options;
  if ((cert === undefined) !== (key === undefined)) throw usage('the TLS options cert and key go together');
  const ca = options.ca ?? (env.SSL_CERT_FILE || undefined);
  const files = {
    ...(ca === undefined ? {} : { ca: pem('ca', ca) }),
    ...(cert === undefined ? {} : { cert: pem('cert', cert) }),
    ...(key === undefined ? {} : { key: pem('key', key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  try {
    if (Object.keys(files).length > 0) createSecureContext(files);
  } catch (cause) {
    const paths = [ca, cert, key].filter((path) => path !== undefined).join(', ');
    throw usage(`the TLS options cannot be used (${paths}): ${(cause as Error).message}`, cause);
  }
  return { rejectUnauthorized: true, ...files };
}

function pem(option: string, path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw usage(`the TLS option ${option} names ${path}, which cannot be read: ${(cause as Error).message}`, cause);
  }
  const text = bytes.toString('latin1');
  if (text.includes('-----BEGIN ')) return text;
  const jks = bytes.length > 4 && bytes.readUInt32BE(0) === 0xfeedfeed;
  throw usage(
    `the TLS option ${option} names ${path}, which is ${jks ? 'a Java key store' : 'no PEM file'}: write PEM from a key store ` +
      `with keytool -list -rfc -keystore ${path} > ${option}.pem`,
  );
}

function usage(message: string, cause?: unknown): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', message, { cause });
}
