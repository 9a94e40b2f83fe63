import { ShardfeedError } from '../errors.js';
import type { HadoopScheme } from '../files/index.js';
import type { NameNodeTarget } from './credentials.js';
import type { HadoopConfiguration } from './hadoop-configuration.js';

export interface ClusterAddress {
  readonly scheme: HadoopScheme;
  /** `ns1`, `host:8020`; `''` for that of `fs.defaultFS`. */
  readonly authority: string;
}

const SCHEMES: ReadonlySet<string> = new Set<HadoopScheme>(['hdfs', 'webhdfs', 'swebhdfs', 'httpfs']);
const PORTS = { http: 9870, https: 9871, gateway: 14000 } as const;

/**
 * Where the name nodes of a cluster answer HTTP, in the order of the configuration. A name service leads to all its name
 * nodes, an RPC address (`host:8020`) to the HTTP address that the configuration has for it, else to port 9870 of that host;
 * with `webhdfs`, `swebhdfs` and `httpfs` the authority is the HTTP address itself.
 * @throws SHARDFEED_USAGE
 */
export function findNameNodes(address: ClusterAddress, configuration: HadoopConfiguration): NameNodeTarget[] {
  const { scheme, authority } = address.authority === '' ? defaultCluster(address.scheme, configuration) : address;
  const secure = scheme === 'swebhdfs' || (scheme === 'hdfs' && configuration.get('dfs.http.policy') === 'HTTPS_ONLY');
  const target = (address: string): NameNodeTarget => {
    const { hostname, port } = parseAddress(address, authority);
    const gateway = scheme === 'httpfs' || port === PORTS.gateway;
    const standard = gateway ? PORTS.gateway : secure ? PORTS.https : PORTS.http;
    const { origin } = new URL(`${secure ? 'https' : 'http'}://${hostname}:${port ?? standard}`);
    return { origin, hostname, authority, gateway };
  };
  if (scheme !== 'httpfs') {
    const suffixes = suffixesOf(authority, scheme, configuration);
    if (suffixes.length > 0) return suffixes.map((suffix) => target(httpAddress(suffix, secure, configuration)));
  }
  // The port of an hdfs URI is that of the RPC server.
  return [target(scheme === 'hdfs' ? parseAddress(authority, authority).hostname : authority)];
}

/** The endings of the properties of the name nodes: `.ns1.nn1`, `.ns1`, `''`. */
function suffixesOf(authority: string, scheme: HadoopScheme, configuration: HadoopConfiguration): string[] {
  const ids = list(configuration.get(`dfs.ha.namenodes.${authority}`));
  if (ids.length > 0) return ids.map((id) => `.${authority}.${id}`);
  const services = list(configuration.get('dfs.nameservices'));
  if (services.includes(authority)) {
    return [configuration.has(`dfs.namenode.rpc-address.${authority}`) ? `.${authority}` : ''];
  }
  if (scheme !== 'hdfs') return [];
  for (const [name, value] of configuration) {
    const suffix = /^dfs\.namenode\.rpc-address((?:\.[^.]+){0,2})$/.exec(name)?.[1];
    if (suffix !== undefined && value === authority) return [suffix];
  }
  const isDefault = configuration.get('fs.defaultFS')?.replace(/\/$/, '') === `hdfs://${authority}`;
  return isDefault && configuration.has('dfs.namenode.http-address') ? [''] : [];
}

function httpAddress(suffix: string, secure: boolean, configuration: HadoopConfiguration): string {
  const rpc = configuration.get(`dfs.namenode.rpc-address${suffix}`) ?? defaultHost(configuration);
  const host = rpc?.replace(/:\d+$/, '');
  const address = configuration.get(`dfs.namenode.${secure ? 'https' : 'http'}-address${suffix}`) ?? host;
  if (address === undefined) {
    throw usage(
      `the configuration has neither dfs.namenode.http-address${suffix} nor dfs.namenode.rpc-address${suffix}`,
    );
  }
  return host === undefined ? address : address.replace(/^0\.0\.0\.0(?=:|$)/, host);
}

function defaultHost(configuration: HadoopConfiguration): string | undefined {
  return /^hdfs:\/\/([^/]+)/.exec(configuration.get('fs.defaultFS') ?? '')?.[1];
}

function defaultCluster(scheme: HadoopScheme, configuration: HadoopConfiguration): ClusterAddress {
  const value = configuration.get('fs.defaultFS');
  const [, found = '', authority = ''] = /^(\w+):\/\/([^/]+)/.exec(value ?? '') ?? [];
  if (!SCHEMES.has(found)) {
    const why = value === undefined ? 'fs.defaultFS is not set' : `fs.defaultFS is ${value}`;
    throw usage(
      `${scheme}:/// names no cluster, and ${why}: set HADOOP_CONF_DIR to the folder of core-site.xml, or write ${scheme}://HOST/...`,
    );
  }
  // The default is written as an RPC address, which the configuration leads to one of HTTP.
  if (found === 'hdfs' && scheme === 'webhdfs') return { scheme: found, authority };
  if (found !== scheme && scheme !== 'hdfs') {
    throw usage(`${scheme}:/// names no server, and fs.defaultFS is ${value}: write ${scheme}://HOST:PORT/...`);
  }
  return { scheme: found as HadoopScheme, authority };
}

function parseAddress(address: string, authority: string): { hostname: string; port?: number } {
  // The scheme only serves to parse; `URL` forgets a port that is the scheme's own.
  const url = URL.canParse(`ftp://${address}`) ? new URL(`ftp://${address}`) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '') {
    throw usage(`${JSON.stringify(address)} is no HOST or HOST:PORT (for hdfs://${authority})`);
  }
  const port = /:(\d+)$/.exec(address)?.[1];
  return port === undefined ? { hostname: url.hostname } : { hostname: url.hostname, port: Number(port) };
}

function list(value: string | undefined): string[] {
  return (value ?? '').split(/[,\s]+/).filter((item) => item !== '');
}

function usage(message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', message);
}
