import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { ShardfeedError } from '../errors.js';

/** Hadoop's properties by name, such as `fs.defaultFS`, with variables replaced. */
export type HadoopConfiguration = ReadonlyMap<string, string>;

const FILES = ['core-site.xml', 'hdfs-site.xml'];
/** As in Hadoop's own `Configuration`. */
const MOST_SUBSTITUTIONS = 20;

/**
 * Reads core-site.xml and hdfs-site.xml. Default folder: HADOOP_CONF_DIR, else `etc/hadoop` in HADOOP_HOME, else
 * /etc/hadoop/conf; where a default folder holds neither, the configuration is empty.
 * @throws SHARDFEED_USAGE where neither is in a folder that was named, and for a file that is wrong
 */
export async function loadHadoopConfiguration(
  folder: string | undefined = process.env.HADOOP_CONF_DIR,
): Promise<HadoopConfiguration> {
  const { HADOOP_HOME } = process.env;
  const from = folder || (HADOOP_HOME ? join(HADOOP_HOME, 'etc/hadoop') : '/etc/hadoop/conf');
  const raw = new Map<string, string>();
  let found = 0;
  for (const name of FILES) {
    const path = join(from, name);
    const text = await readIfThere(path);
    if (text === undefined) continue;
    found++;
    for (const [key, value] of parseHadoopXml(text, path)) raw.set(key, value);
  }
  if (found === 0 && folder) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `the Hadoop configuration folder ${from} holds neither ${FILES.join(' nor ')}: correct --hadoop-conf or HADOOP_CONF_DIR`,
      { path: from },
    );
  }
  return substitute(raw);
}

/** The properties of one file, as they stand in it. @throws SHARDFEED_USAGE */
export function parseHadoopXml(text: string, path: string): Map<string, string> {
  // Entities of a document's own are not needed, and can grow without end.
  if (/<!(?:ENTITY|DOCTYPE[^>]*\[)/i.test(text)) throw wrong(path, 'it declares XML entities, which are not read');
  if (/<(?:\w+:)?include\b/i.test(text)) throw wrong(path, 'it includes other files, which is not supported');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    isArray: (name) => name === 'property',
  });
  let document: unknown;
  try {
    document = parser.parse(text, true);
  } catch (cause) {
    throw wrong(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const { configuration } = (document ?? {}) as { configuration?: { property?: Record<string, unknown>[] } | string };
  if (configuration === undefined) throw wrong(path, 'it has no <configuration>');
  const properties = new Map<string, string>();
  if (typeof configuration === 'string') return properties;
  for (const { name, value } of configuration.property ?? []) {
    if (typeof name === 'string' && typeof value === 'string') properties.set(name.trim(), value.trim());
  }
  return properties;
}

/** Replaces `${property}`, `${user.name}` and `${env.NAME}`, `${env.NAME:-default}`; what is unknown stays as it is. */
export function substitute(raw: ReadonlyMap<string, string>): Map<string, string> {
  const expand = (value: string): string => {
    let text = value;
    for (let i = 0; i < MOST_SUBSTITUTIONS; i++) {
      const next = text.replace(/\$\{([^{}$\s]+)\}/g, (whole, name: string) => lookUp(name, raw) ?? whole);
      if (next === text || next.length > 1 << 16) break;
      text = next;
    }
    return text;
  };
  return new Map([...raw].map(([name, value]) => [name, expand(value)]));
}

function lookUp(name: string, raw: ReadonlyMap<string, string>): string | undefined {
  const [, variable, fallback] = /^env\.([^:]+?)(?::?-(.*))?$/.exec(name) ?? [];
  if (variable !== undefined) return process.env[variable] ?? fallback;
  return raw.get(name) ?? (name === 'user.name' ? userInfo().username : undefined);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ShardfeedError('SHARDFEED_PERMISSION', `cannot read the Hadoop configuration ${path} (${code})`, {
      path,
      cause,
    });
  }
}

function wrong(path: string, why: string, cause?: unknown): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `${path} is no Hadoop configuration: ${why}`, { path, cause });
}
