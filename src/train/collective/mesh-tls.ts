import { type ConnectionOptions, createServer, type Server } from 'node:tls';

/** PEM texts. Both sides show the certificate, which the authority must have signed; names in it do not matter. */
export interface MeshTls {
  readonly cert: string;
  readonly key: string;
  /** Default: the certificate itself, for one that is its own authority. */
  readonly ca?: string;
}

export function tlsOptions(tls: MeshTls | undefined): ConnectionOptions | undefined {
  if (tls === undefined) return undefined;
  const { cert, key, ca = cert } = tls;
  return { cert, key, ca, checkServerIdentity: () => undefined };
}

/** Plain connections are given to it by its event `connection`. @throws what node:tls says of the certificates */
export function tlsServer({ cert, key, ca = cert }: MeshTls): Server {
  return createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
}
