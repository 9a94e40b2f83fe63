// Certificates for the daemons' https, as Java wants them.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toXml } from './configuration.mjs';
import { findJava } from './java.mjs';

/**
 * Makes a key pair with a certificate that signs itself, in a key store that is the daemons' trust store too.
 * @param names subject alternative names as keytool takes them, `ip:127.0.0.1,dns:localhost`
 * @param trusted PEM file of a certificate that the daemons shall trust beside their own
 * @returns { ca, files }: PEM file of the certificate, and ssl-server.xml and ssl-client.xml by name
 */
export function makeKeyStore(dir, names, trusted) {
  const store = join(dir, 'tls.p12');
  const ca = join(dir, 'ca.pem');
  const password = randomBytes(12).toString('hex');
  const keytool = (...args) => {
    const command = [join(dirname(findJava()), 'keytool'), 'keytool'].find(
      (path) => !path.includes('/') || existsSync(path),
    );
    const common = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', password];
    const { status, stdout, stderr } = spawnSync(command, [...args, ...common], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`keytool ${args[0]} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  };
  const own = ['-alias', 'hdfs'];
  keytool(
    '-genkeypair',
    ...own,
    '-keyalg',
    'EC',
    '-groupname',
    'secp256r1',
    '-dname',
    'CN=hdfs',
    '-ext',
    `san=${names}`,
  );
  writeFileSync(ca, keytool('-exportcert', '-rfc', ...own));
  if (trusted !== undefined) keytool('-importcert', '-noprompt', '-alias', 'trusted', '-file', trusted);
  const files = ['server', 'client'].map((side) => [`ssl-${side}.xml`, toXml(properties(side, store, password))]);
  return { ca, files: Object.fromEntries(files) };
}

const properties = (side, store, password) =>
  Object.fromEntries(
    ['keystore', 'truststore'].flatMap((name) => [
      [`ssl.${side}.${name}.location`, store],
      [`ssl.${side}.${name}.type`, 'PKCS12'],
      [`ssl.${side}.${name}.password`, password],
      [`ssl.${side}.${name}.keypassword`, password],
    ]),
  );
