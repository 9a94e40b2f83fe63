import { ShardfeedError } from '../../errors.js';
import { type Credentials, simpleCredentials } from '../credentials.js';
import { DelegationToken } from './delegation-token.js';
import { fetchedToken } from './fetched-token.js';
import { givenTokens, type TokenSource } from './given-token.js';
import { kerberosCredentials, type Negotiate } from './kerberos.js';
import { proxyUser } from './proxy-user.js';
import { readTokenFile } from './token-storage.js';

export interface CredentialsOptions {
  /** How the cluster wants to know who we are. Default: `hadoop.security.authentication` of the configuration. */
  method?: 'simple' | 'kerberos';
  /** Who we are where authentication is simple. Default: HADOOP_USER_NAME, else the user of this process. */
  user?: string;
  /** Acts for this user (`doas`). Default: HADOOP_PROXY_USER. */
  proxyUser?: string;
  /** A delegation token for this cluster, in WebHDFS's form. Default: HADOOP_TOKEN. */
  token?: string;
  /** A file in Hadoop's token storage format. Default: HADOOP_TOKEN_FILE_LOCATION. */
  tokenFile?: string;
  /** Fetch a delegation token first, and show only that. Default: true with Kerberos, where every transfer would make one. */
  fetchToken?: boolean;
  /** Who may renew fetched tokens. Default: we ourselves. */
  renewer?: string;
  /** Makes SPNEGO tokens in place of the package `kerberos`. */
  negotiate?: Negotiate;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Who we are, from options and environment. Tokens come first; those of the environment count only where the cluster takes
 * tokens (authentication is `kerberos`, or nothing is known of it), and a cluster they are not for is asked without them.
 * @param configured `hadoop.security.authentication`, undefined where there is no configuration
 * @throws SHARDFEED_USAGE where options contradict each other
 */
export function openCredentials(
  options: CredentialsOptions = {},
  configured?: string,
  env: Environment = process.env,
): Credentials {
  const { method = configured } = options;
  const given = givenSource(options);
  if (given !== undefined) {
    if (options.proxyUser !== undefined) {
      throw usage(
        'a delegation token says itself for whom it acts: proxyUser goes with fetched tokens and Kerberos only',
      );
    }
    return givenTokens(given);
  }
  const own = ownCredentials(options, method, env);
  const found = method === 'simple' ? undefined : environmentSource(env);
  return found === undefined ? own : givenTokens(found, own);
}

function ownCredentials(options: CredentialsOptions, method: string | undefined, env: Environment): Credentials {
  const kerberos = method === 'kerberos';
  if (!kerberos && method !== undefined && method !== 'simple') {
    throw usage(`hadoop.security.authentication is ${method}, and simple and kerberos are known`);
  }
  const base = kerberos
    ? kerberosCredentials(options.negotiate)
    : simpleCredentials(...(options.user === undefined ? [] : [options.user]));
  const doas = options.proxyUser ?? env.HADOOP_PROXY_USER;
  const acting = doas ? proxyUser(base, doas) : base;
  if (!(options.fetchToken ?? kerberos)) return acting;
  return fetchedToken(acting, options.renewer === undefined ? {} : { renewer: options.renewer });
}

function givenSource({ token, tokenFile }: CredentialsOptions): TokenSource | undefined {
  if (token !== undefined && tokenFile !== undefined) throw usage('give token or tokenFile, not both');
  if (token !== undefined) {
    return { name: 'the option token', forAny: true, load: async () => [DelegationToken.parse(token)] };
  }
  if (tokenFile === undefined) return undefined;
  return { name: tokenFile, load: () => readTokenFile(tokenFile) };
}

function environmentSource(env: Environment): TokenSource | undefined {
  const { HADOOP_TOKEN: texts, HADOOP_TOKEN_FILE_LOCATION: file } = env;
  if (!texts && !file) return undefined;
  return {
    name: [texts && 'HADOOP_TOKEN', file && `HADOOP_TOKEN_FILE_LOCATION (${file})`].filter(Boolean).join(' and '),
    load: async () => [
      ...(texts ? texts.split(',').map((text) => DelegationToken.parse(text.trim())) : []),
      ...(file ? await readTokenFile(file) : []),
    ],
  };
}

function usage(message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', message);
}
