import type { ErrorCode } from '../errors.js';
import { Fault, type Remedy } from './fault.js';
import { redact } from './redact.js';

type Meaning = readonly [code: ErrorCode, remedy: Remedy];

const EXCEPTIONS: Readonly<Record<string, Meaning>> = {
  StandbyException: ['SHARDFEED_HDFS_STANDBY', 'elsewhere'],
  ObserverRetryOnActiveException: ['SHARDFEED_HDFS_STANDBY', 'elsewhere'],
  SafeModeException: ['SHARDFEED_HDFS_SAFE_MODE', 'again'],
  RetriableException: ['SHARDFEED_HDFS_UNREACHABLE', 'again'],
  ServerTooBusyException: ['SHARDFEED_HDFS_UNREACHABLE', 'again'],
  FileNotFoundException: ['SHARDFEED_NOT_FOUND', 'none'],
  FileAlreadyExistsException: ['SHARDFEED_EXISTS', 'none'],
  ParentNotDirectoryException: ['SHARDFEED_IO', 'none'],
  PathIsNotEmptyDirectoryException: ['SHARDFEED_IO', 'none'],
  AccessControlException: ['SHARDFEED_PERMISSION', 'none'],
  AuthorizationException: ['SHARDFEED_PERMISSION', 'none'],
  DSQuotaExceededException: ['SHARDFEED_NO_SPACE', 'none'],
  NSQuotaExceededException: ['SHARDFEED_NO_SPACE', 'none'],
  QuotaExceededException: ['SHARDFEED_NO_SPACE', 'none'],
  QuotaByStorageTypeExceededException: ['SHARDFEED_NO_SPACE', 'none'],
  DiskOutOfSpaceException: ['SHARDFEED_NO_SPACE', 'none'],
  BlockMissingException: ['SHARDFEED_HDFS_BLOCK_MISSING', 'again'],
  RecoveryInProgressException: ['SHARDFEED_IO', 'again'],
  NotReplicatedYetException: ['SHARDFEED_IO', 'again'],
  AuthenticationException: ['SHARDFEED_HDFS_AUTH', 'none'],
  SecurityException: ['SHARDFEED_HDFS_AUTH', 'none'],
  InvalidToken: ['SHARDFEED_HDFS_AUTH', 'none'],
  SaslException: ['SHARDFEED_HDFS_AUTH', 'none'],
  InvalidPathException: ['SHARDFEED_UNSUPPORTED', 'none'],
  UnsupportedOperationException: ['SHARDFEED_UNSUPPORTED', 'none'],
};

/** What a general exception says, most telling first. */
const MESSAGES: readonly (readonly [pattern: RegExp, code: ErrorCode, remedy: Remedy])[] = [
  [/StandbyException|in state standby/, 'SHARDFEED_HDFS_STANDBY', 'elsewhere'],
  [/SafeModeException|in safe mode/i, 'SHARDFEED_HDFS_SAFE_MODE', 'again'],
  [/InvalidToken|token .*(?:expired|can't be found)/, 'SHARDFEED_HDFS_AUTH', 'none'],
  [/not allowed to impersonate/, 'SHARDFEED_PERMISSION', 'none'],
  [
    /No active nodes contain this block|Could not obtain block|BlockMissingException/,
    'SHARDFEED_HDFS_BLOCK_MISSING',
    'again',
  ],
  [
    /Failed to find datanode|could only be written to 0 of|All datanodes .*are bad/,
    'SHARDFEED_HDFS_UNREACHABLE',
    'again',
  ],
  [
    /NameNode still not started|wiki\.apache\.org\/hadoop|ConnectException|Connection re(?:fused|set)|SocketTimeout/,
    'SHARDFEED_HDFS_UNREACHABLE',
    'again',
  ],
  [/No space left|out of space/i, 'SHARDFEED_NO_SPACE', 'none'],
];

export interface FailedAnswer {
  readonly status: number;
  readonly body: string;
  /** `host:port`. */
  readonly server: string;
  readonly dataNode?: string;
  /** What of ours a server may have sent back. */
  readonly secrets?: readonly string[];
}

/** What an answer with an error status means: a RemoteException in JSON, or whatever else servers and proxies send. */
export function faultOf({ status, body, server, dataNode, secrets }: FailedAnswer): Fault {
  const from = { server, ...(dataNode === undefined ? {} : { dataNode }) };
  const remote = parseRemoteException(body);
  if (remote !== undefined) {
    const { exception } = remote;
    const message = redact(`${exception}: ${remote.message}`, secrets);
    const [code, remedy] = meaningOf(exception, remote.message, status);
    return new Fault(code, message, { ...from, exception, remedy });
  }
  const text = redact(describeBody(body), secrets);
  if (status === 401) {
    return new Fault('SHARDFEED_HDFS_AUTH', `it wants credentials (HTTP 401${text})`, from);
  }
  // Neither a success nor a redirect is expected where this is asked.
  if (status >= 500 || status < 400 || status === 408 || status === 429) {
    const remedy = dataNode === undefined ? 'elsewhere' : 'again';
    return new Fault('SHARDFEED_HDFS_UNREACHABLE', `it answered HTTP ${status}${text}`, { ...from, remedy });
  }
  if (status === 403) return new Fault('SHARDFEED_PERMISSION', `it denies access (HTTP 403${text})`, from);
  const hint = status === 404 ? '; is this the HTTP port of a name node, and is WebHDFS on?' : '';
  return new Fault('SHARDFEED_IO', `it answered HTTP ${status}${text}${hint}`, from);
}

function meaningOf(exception: string, message: string, status: number): Meaning {
  const special = MESSAGES.find(([pattern]) => pattern.test(message));
  const known = EXCEPTIONS[exception];
  // A RetriableException, a RemoteException, an IOException or a SecurityException carries another in its message.
  if (special !== undefined && (known === undefined || !SPECIFIC.has(exception))) return [special[1], special[2]];
  if (known !== undefined) return known;
  // A gateway has 500 for whatever it does not know.
  return ['SHARDFEED_IO', status >= 500 ? 'again' : 'none'];
}

/** Exceptions that say all by their class. Messages quote paths, which may read like anything. */
const SPECIFIC = new Set(Object.keys(EXCEPTIONS).filter((name) => !/^(?:Retriable|Security)Exception$/.test(name)));

/** The class without its package, and the message without the Java stack that data nodes append. */
function parseRemoteException(body: string): { exception: string; message: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const remote = (parsed as { RemoteException?: Record<string, unknown> } | null)?.RemoteException;
  if (typeof remote?.exception !== 'string') return undefined;
  const exception = remote.exception.replace(/^.*[.$]/, '');
  return { exception, message: firstLines(String(remote.message ?? '')) };
}

function firstLines(message: string): string {
  return message
    .replace(/\n\s*at [\s\S]*$/, '')
    .replace(/\s+/g, ' ')
    .slice(0, 1000)
    .trim();
}

/** The title of an HTML page, or the beginning of a text. */
function describeBody(body: string): string {
  const text = /<title>([^<]*)<\/title>/i.exec(body)?.[1] ?? (/^\s*</.test(body) ? '' : body);
  const line = text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200);
  return line === '' ? '' : `: ${line}`;
}
