import type { Cluster, ClusterOptions } from './cluster.mjs';

export interface SecureClusterOptions extends Omit<ClusterOptions, 'jvm' | 'env' | 'files' | 'headers'> {
  /** Principals to make, default `alice`; each is a superuser of HDFS. */
  users?: string[];
}
export interface SecureCluster extends Cluster {
  /** Folder of the realm, which holds its krb5.conf. */
  realm: string;
  /** Path of each user's keytab, and of the daemons' (`service`). */
  keytabs: Record<string, string>;
  /** PEM file of the certificate to trust. */
  ca: string;
}

export function startSecureCluster(dir: string, options?: SecureClusterOptions): Promise<SecureCluster>;
export function stopSecureCluster(dir: string): Promise<void>;
