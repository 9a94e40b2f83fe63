import { ShardfeedError } from '../../errors.js';
import type { Credentials } from '../credentials.js';

/**
 * Makes a SPNEGO token (RFC 4559) for a service such as `HTTP@nn1.example.com`, in base64.
 * @throws anything where it has no ticket
 */
export type Negotiate = (service: string) => Promise<string>;

/** What is used of the npm package `kerberos`. */
interface KerberosPackage {
  readonly GSS_MECH_OID_SPNEGO: number;
  initializeClient(
    service: string,
    options: { mechOID: number },
  ): Promise<{ step(challenge: string): Promise<string> }>;
}

/**
 * Kerberos by SPNEGO: the ticket of this process (KRB5CCNAME, or a keytab in KRB5_CLIENT_KTNAME) opens a session at each
 * name node, whose signed cookie (`hadoop.auth`) then stands for it until the server refuses it.
 */
export function kerberosCredentials(negotiate: Negotiate = negotiateByPackage): Credentials {
  /** By origin; empty where one was refused. */
  const cookies = new Map<string, string>();

  return {
    async headers({ origin, hostname }): Promise<Record<string, string>> {
      const cookie = cookies.get(origin);
      if (cookie) return { cookie };
      const service = `HTTP@${hostname}`;
      try {
        return { authorization: `Negotiate ${await negotiate(service)}` };
      } catch (cause) {
        throw cause instanceof ShardfeedError ? cause : noTicket(service, cause);
      }
    },
    answered({ origin }, headers) {
      for (const line of headers['set-cookie'] ?? []) {
        const [, name, value] = /^(hadoop\.auth)=("[^"]+"|[^";]*)/.exec(line) ?? [];
        if (value) cookies.set(origin, `${name}=${value}`);
        else if (value === '' && cookies.has(origin)) cookies.set(origin, '');
      }
    },
    // A cookie that had its day gives way to a new session; without one the ticket was refused, and would be again.
    async rejected({ origin }) {
      if (!cookies.has(origin)) return false;
      cookies.set(origin, '');
      return true;
    },
    secrets: () => [...cookies.values()].map((cookie) => cookie.slice('hadoop.auth='.length)).filter(Boolean),
  };
}

async function negotiateByPackage(service: string): Promise<string> {
  const kerberos = await loadPackage();
  const client = await kerberos.initializeClient(service, { mechOID: kerberos.GSS_MECH_OID_SPNEGO });
  return client.step('');
}

async function loadPackage(): Promise<KerberosPackage> {
  const name: string = 'kerberos'; // an optional package, whose types need not be there
  try {
    const loaded = (await import(name)) as { default: KerberosPackage };
    return loaded.default;
  } catch (cause) {
    throw new ShardfeedError(
      'SHARDFEED_HDFS_AUTH',
      'Kerberos needs the package kerberos: npm install kerberos (Debian: apt install libkrb5-dev first)',
      { cause },
    );
  }
}

function noTicket(service: string, cause: unknown): ShardfeedError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ShardfeedError(
    'SHARDFEED_HDFS_AUTH',
    `no Kerberos ticket for ${service}: ${why}. Log in with kinit, or name a keytab by KRB5_CLIENT_KTNAME; klist shows ` +
      'what is there, KRB5CCNAME where it is looked for',
    { cause },
  );
}
