import type { IncomingHttpHeaders } from 'node:http';
import { userInfo } from 'node:os';

/** A server that answers for the name space: a name node, or an HttpFS gateway before one. */
export interface NameNodeTarget {
  /** `http://host:9870` or `https://host:9871`: credentials are sent here and, within a Location that it gave, nowhere else. */
  readonly origin: string;
  readonly hostname: string;
  /** What URIs call the cluster: a name service (`ns1`), or `host:8020`. Name nodes of one service share tokens. */
  readonly authority: string;
  /** Whether this is an HttpFS gateway. */
  readonly gateway: boolean;
}

/** One request that credentials make themselves, to fetch or renew a token; nothing is added to it. */
export interface CredentialsRequest {
  readonly method: 'GET' | 'PUT';
  /** `GETDELEGATIONTOKEN`, `RENEWDELEGATIONTOKEN`, ... */
  readonly op: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CredentialsContext {
  readonly signal?: AbortSignal;
  /** Sends a request to the same target as it is; resolves to the parsed JSON, undefined for an empty answer. */
  ask(request: CredentialsRequest): Promise<unknown>;
}

/** Who we are, request by request. A name node puts what a data node needs into its Location itself. */
export interface Credentials {
  /** Query parameters for a request: `user.name`, `delegation`, `doas`. */
  query?(target: NameNodeTarget, context: CredentialsContext): Promise<Readonly<Record<string, string>>>;
  /** Headers for a request to the target itself: `Authorization: Negotiate ...`, `Cookie`. */
  headers?(target: NameNodeTarget, context: CredentialsContext): Promise<Readonly<Record<string, string>>>;
  /** Sees the headers of every answer of the target, such as `WWW-Authenticate` and the `hadoop.auth` cookie. */
  answered?(target: NameNodeTarget, headers: IncomingHttpHeaders): void;
  /** Told of SHARDFEED_HDFS_AUTH (401, InvalidToken, expired); true: something was renewed, try once more. */
  rejected?(target: NameNodeTarget, error: Error, context: CredentialsContext): Promise<boolean>;
  /** What must not appear in a message or log beside the parameters that are always struck out. */
  secrets?(): readonly string[];
}

/** Hadoop's `simple` authentication, which believes the name. Default: HADOOP_USER_NAME, else the user of this process. */
export function simpleCredentials(user: string = defaultUser()): Credentials {
  const query = { 'user.name': user };
  return { query: async () => query };
}

function defaultUser(): string {
  return process.env.HADOOP_USER_NAME || userInfo().username;
}
