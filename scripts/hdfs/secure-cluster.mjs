// A cluster that believes nobody: Kerberos for people and daemons, tokens for blocks, https only. It is the cluster of
// cluster.mjs with another configuration, and a realm beside it.
import { createHmac, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startCluster, stopCluster } from './cluster.mjs';
import { logIn, REALM, startKdc, stopKdc } from './kdc.mjs';
import { makeKeyStore } from './key-store.mjs';

const HOST = '127.0.0.1';
const SERVICE = `hdfs/localhost@${REALM}`;
/** Name nodes ask journal nodes by the name that their address has. */
const WEB = [`HTTP/${HOST}@${REALM}`, `HTTP/localhost@${REALM}`];
/** Whichever of these a ticket is for. */
const ANY_WEB = '*';

const realmOf = (dir) => `${dir}-realm`;

/**
 * Starts a realm, in a folder beside, and the cluster of a folder, from nothing. `users` become principals with a keytab each,
 * and superusers of HDFS; `conf` is added to the properties. The certificate is for 127.0.0.1 alone, with `ha` for localhost too.
 * @returns the cluster, and { realm, keytabs, ca }: folder of the realm, keytab by user and of the `service`, PEM file to trust
 */
export async function startSecureCluster(folder, { users = ['alice'], conf = {}, ...options } = {}) {
  const dir = resolve(folder);
  const realm = realmOf(dir);
  await stopSecureCluster(dir);
  const keytabs = await startKdc(realm, {
    service: [SERVICE, ...WEB],
    ...Object.fromEntries(users.map((user) => [user, [user]])),
  });
  const tls = makeKeyStore(realm, options.ha ? `ip:${HOST},dns:localhost` : `ip:${HOST}`);
  const ticket = join(realm, 'service.ticket');
  logIn(realm, { keytab: keytabs.service, principal: SERVICE, cache: ticket });
  const [secret, secretFile] = [randomBytes(32).toString('hex'), join(realm, 'signature.secret')];
  writeFileSync(secretFile, secret);
  try {
    const cluster = await startCluster(dir, {
      ...options,
      conf: { ...secureProperties({ keytab: keytabs.service, secretFile, users }), ...conf },
      jvm: [`-Djava.security.krb5.conf=${join(realm, 'krb5.conf')}`],
      env: { KRB5CCNAME: `FILE:${ticket}` }, // of Hadoop's tools
      files: tls.files,
      headers: { cookie: signCookie('hdfs', secret) },
    });
    return { ...cluster, realm, keytabs, ca: tls.ca };
  } catch (error) {
    stopKdc(realm);
    throw error;
  }
}

/** Stops cluster and realm, and deletes both. */
export async function stopSecureCluster(folder) {
  const dir = resolve(folder);
  await stopCluster(dir, { clear: true });
  stopKdc(realmOf(dir));
  rmSync(realmOf(dir), { recursive: true, force: true });
}

function secureProperties({ keytab, secretFile, users }) {
  const daemons = Object.fromEntries(
    ['namenode', 'datanode', 'journalnode'].flatMap((kind) => [
      [`dfs.${kind}.kerberos.principal`, SERVICE],
      [`dfs.${kind}.keytab.file`, keytab],
    ]),
  );
  return {
    ...daemons,
    'dfs.journalnode.kerberos.internal.spnego.principal': ANY_WEB,
    'httpfs.hadoop.authentication.type': 'kerberos',
    'httpfs.hadoop.authentication.kerberos.principal': SERVICE,
    'httpfs.hadoop.authentication.kerberos.keytab': keytab,
    'hadoop.security.authentication': 'kerberos',
    'hadoop.security.authorization': 'true',
    'hadoop.user.group.static.mapping.overrides': ['hdfs', ...users].map((user) => `${user}=supergroup`).join(';'),
    'hadoop.http.authentication.type': 'kerberos',
    'hadoop.http.authentication.kerberos.principal': ANY_WEB,
    'hadoop.http.authentication.kerberos.keytab': keytab,
    'hadoop.http.authentication.signature.secret.file': secretFile,
    'dfs.web.authentication.kerberos.principal': ANY_WEB,
    'dfs.web.authentication.kerberos.keytab': keytab,
    'dfs.block.access.token.enable': 'true',
    'dfs.data.transfer.protection': 'authentication', // SASL, so that DataNodes need no privileged ports
    'dfs.http.policy': 'HTTPS_ONLY',
  };
}

/** The cookie of somebody who has authenticated, as the daemons sign it: their probes have no ticket. */
function signCookie(user, secret) {
  const text = `u=${user}&p=${user}@${REALM}&t=kerberos&e=${Date.now() + 7 * 24 * 3600_000}`;
  return `hadoop.auth="${text}&s=${createHmac('sha256', secret).update(text).digest('base64')}"`;
}
