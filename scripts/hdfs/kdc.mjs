// A Kerberos realm on 127.0.0.1, all in one folder: Debian's krb5-kdc (the KDC), krb5-admin-server (kadmin.local) and
// krb5-user (kinit).
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const REALM = 'SHARDFEED.TEST';

// Debian keeps daemons out of a user's PATH.
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const COMMANDS = ['krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit'];

/** Why no realm can be had here, or undefined. */
export function whyNoKdc() {
  const folders = PATH.split(':');
  const missing = COMMANDS.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')} not found (Debian: krb5-kdc krb5-admin-server krb5-user)`;
}

/** What commands of Kerberos, Node and Java need to find the realm. */
export const kerberosEnvironment = (dir) => ({
  KRB5_CONFIG: join(dir, 'krb5.conf'),
  KRB5_KDC_PROFILE: join(dir, 'kdc.conf'),
});

function run(dir, name, args, input) {
  const env = { ...process.env, PATH, ...kerberosEnvironment(dir) };
  const { status, stdout, stderr, error } = spawnSync(name, args, { env, encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}: ${error ?? stderr}${stdout}`);
  return stdout;
}

function freePort() {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Makes a realm and starts its KDC. `keytabs` names keytab files and the principals in each; nobody has a password.
 * @returns the path of each keytab
 */
export async function startKdc(dir, keytabs) {
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  writeFileSync(
    join(dir, 'krb5.conf'),
    `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
`,
  );
  writeFileSync(
    join(dir, 'kdc.conf'),
    `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${REALM} = {
    database_name = ${join(dir, 'principal')}
    key_stash_file = ${join(dir, 'stash')}
    acl_file = ${join(dir, 'kadm5.acl')}
    max_life = 1d
    max_renewable_life = 7d
  }
[logging]
  default = FILE:${join(dir, 'kdc.log')}
`,
  );
  run(dir, 'kdb5_util', ['create', '-s', '-r', REALM, '-P', randomBytes(16).toString('hex')]);
  const lines = Object.entries(keytabs).flatMap(([name, principals]) => [
    ...principals.map((principal) => `addprinc -randkey ${principal}`),
    `ktadd -k ${join(dir, name)} ${principals.join(' ')}`,
  ]);
  run(dir, 'kadmin.local', ['-r', REALM], `${lines.join('\n')}\n`);
  spawnKdc(dir);
  await untilAccepts(port);
  return Object.fromEntries(Object.keys(keytabs).map((name) => [name, join(dir, name)]));
}

const pidFile = (dir) => join(dir, 'kdc.pid');

function spawnKdc(dir) {
  const env = { ...process.env, PATH, ...kerberosEnvironment(dir) };
  const args = ['-n', '-r', REALM, '-P', pidFile(dir)];
  const child = spawn('krb5kdc', args, { detached: true, stdio: 'ignore', env });
  child.on('error', () => {}); // seen as a KDC that does not listen
  child.unref();
}

/** Ends the KDC of a folder; a pid that went to another process is none of ours. */
export function stopKdc(dir) {
  if (!existsSync(pidFile(dir))) return;
  const pid = Number(readFileSync(pidFile(dir), 'utf8'));
  const commandLine = `/proc/${pid}/cmdline`;
  if (existsSync(commandLine) && readFileSync(commandLine, 'utf8').split('\0').includes(pidFile(dir)))
    process.kill(pid);
}

/** Gets a ticket from a keytab into a credentials cache, as `kinit` does. @param life such as `60s` */
export function logIn(dir, { keytab, principal, cache, life = '1d' }) {
  run(dir, 'kinit', ['-l', life, '-c', `FILE:${cache}`, '-k', '-t', keytab, principal]);
}

async function untilAccepts(port) {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
  }
  throw new Error(`the KDC does not listen on port ${port} after 10 s`);
}
