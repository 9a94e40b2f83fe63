import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { ShardfeedError } from '../../errors.js';
import { redact } from '../redact.js';

/**
 * Which hosts a name node may send us to: a function that decides, or host names and patterns such as `*.data.example.com`.
 * Default: hosts of the configuration, of the name node's own domain, or of the same private network.
 */
export type AllowRedirect = ((location: URL, nameNode: URL) => boolean) | readonly string[];

export interface RedirectOptions {
  allowRedirect?: AllowRedirect;
  /** Addresses of a host name. Default: the system's resolver. */
  resolve?: (hostname: string) => Promise<string[]>;
}

/** Where nothing of a cluster can be, unless somebody names it: link-local (with the metadata services of clouds), multicast. */
const NOWHERE = networks(['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8']);
const METADATA = networks(['100.100.100.200/32', 'fd00:ec2::254/128', '192.0.0.192/32']);
const LOOPBACK = networks(['127.0.0.0/8', '::1/128']);
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].map((one) =>
  networks([one]),
);

/** Resolves to where a redirect leads, or rejects; `from` is the request as it was sent. */
export type CheckRedirect = (location: string, from: URL) => Promise<URL>;

/**
 * Lets a name node redirect to a data node only: to the same path and operation over http or https, never from https to http, and
 * to a host that {@link AllowRedirect} allows. The URL is then requested as it stands: credentials of ours are not for it,
 * the name node has put into it what it needs.
 * @throws SHARDFEED_HDFS_REDIRECT from what it returns
 */
export function checkRedirects({ allowRedirect = [], resolve = addressesOf }: RedirectOptions = {}): CheckRedirect {
  const near = new Set<string>();

  async function isAllowed(to: URL, from: URL): Promise<boolean> {
    if (typeof allowRedirect === 'function') return allowRedirect(new URL(to), new URL(from));
    const pair = `${hostOf(from)} ${hostOf(to)}`;
    if (near.has(pair)) return true;
    if (!allowRedirect.some((pattern) => matches(hostOf(to), pattern)) && !(await isNear(to, from, resolve)))
      return false;
    near.add(pair);
    return true;
  }

  return async (location, from) => {
    const refuse = (why: string): ShardfeedError =>
      new ShardfeedError('SHARDFEED_HDFS_REDIRECT', `it redirects to ${redact(shorten(location))}: ${why}`);
    if (!URL.canParse(location)) throw refuse('that is no absolute URL');
    const to = new URL(location);
    if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse('only http and https lead to a data node');
    if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('the way from https to http is not taken');
    if (to.username !== '' || to.password !== '') throw refuse('it carries a user name or password');
    if (pathOf(to) !== pathOf(from)) throw refuse('it leads to another path than the one asked for');
    if (opOf(to) !== opOf(from)) throw refuse('it leads to another operation than the one asked for');
    if (await isAllowed(to, from)) return to;
    throw refuse('that host is not known to belong to the cluster; the option allowRedirect can say that it does');
  };
}

/** Whether a host is a name node's own, of its domain, or of its private network. */
async function isNear(to: URL, from: URL, resolve: (hostname: string) => Promise<string[]>): Promise<boolean> {
  const [host, known] = [hostOf(to), hostOf(from)];
  if (host === known) return true;
  const [theirs, ours] = await Promise.all([resolve(host), resolve(known)]);
  if (theirs.length === 0 || theirs.some((address) => holds(NOWHERE, address) || holds(METADATA, address)))
    return false;
  if (theirs.every((address) => ours.includes(address))) return true;
  if (theirs.some((address) => holds(LOOPBACK, address))) return false;
  if (sameDomain(host, known)) return true;
  return PRIVATE.some((net) => [...theirs, ...ours].every((address) => holds(net, address)));
}

/** Whether two names share their domain, or at least its last two labels. */
function sameDomain(one: string, other: string): boolean {
  if (isIP(one) !== 0 || isIP(other) !== 0) return false;
  const [a, b] = [one.split('.'), other.split('.')];
  return a.length > 2 && b.length > 2 && a.slice(-2).join('.') === b.slice(-2).join('.');
}

function matches(host: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted;
}

/** In lower case, an IPv6 address without brackets, a name without the dot of the root. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** The path in one form: servers differ in what they encode, and Java composes letters with their accents (NFC). */
function pathOf(url: URL): string {
  try {
    return decodeURIComponent(url.pathname).normalize('NFC');
  } catch {
    return url.pathname; // no UTF-8, so none of ours
  }
}

function opOf(url: URL): string | undefined {
  for (const [name, value] of url.searchParams) if (name.toLowerCase() === 'op') return value.toUpperCase();
  return undefined;
}

async function addressesOf(hostname: string): Promise<string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  const found = await lookup(hostname, { all: true }).catch((): LookupAddress[] => []);
  return found.map(({ address }) => address);
}

function networks(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address, bits] = range.split('/');
    list.addSubnet(address!, Number(bits), address!.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

function holds(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
