// The Hadoop configuration of every daemon and of the clients, as folders of XML.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HOST = '127.0.0.1';

/** The folder that HADOOP_CONF_DIR names. */
export const clientConf = (dir) => join(dir, 'conf', 'client');

/** Class path folders of a daemon, or of a tool (`client`). */
export const confFolders = (dir, id) => [join(dir, 'conf', id), join(dir, 'conf', 'common')];

const escapeXml = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The text of a configuration file. */
export function toXml(properties) {
  const lines = Object.entries(properties).map(
    ([key, value]) => `  <property><name>${escapeXml(key)}</name><value>${escapeXml(value)}</value></property>`,
  );
  return `<?xml version="1.0"?>\n<configuration>\n${lines.join('\n')}\n</configuration>\n`;
}

function writeXml(folder, name, properties) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), toXml(properties));
}

const log4j = (level, target) =>
  [
    `log4j.rootLogger=${level},A`,
    'log4j.appender.A=org.apache.log4j.ConsoleAppender',
    `log4j.appender.A.target=System.${target}`,
    'log4j.appender.A.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.A.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n\n',
  ].join('\n');

/** The properties that all share, from the daemons' addresses. `conf` adds to them and wins. */
function sharedProperties(state) {
  const { nn, jn, dn } = state;
  const hdfs = {
    'dfs.replication': Math.min(2, dn.length),
    'dfs.blocksize': state.options.block,
    'dfs.namenode.fs-limits.min-block-size': 512,
    'dfs.namenode.safemode.extension': 0,
    'dfs.heartbeat.interval': 1, // with the next one: a DataNode counts as dead after some 15 s, not after 10 minutes
    'dfs.namenode.heartbeat.recheck-interval': 500,
    'dfs.namenode.datanode.registration.ip-hostname-check': false,
    'dfs.namenode.acls.enabled': true,
    'dfs.namenode.delegation.token.always-use': true, // tokens although nobody authenticates
    'dfs.namenode.edits.noeditlogchannelflush': true, // throw-away data: no fsync for every edit
    'dfs.namenode.handler.count': 4,
    'dfs.datanode.handler.count': 4,
    'dfs.datanode.directoryscan.interval': -1,
    'dfs.block.scanner.volume.bytes.per.second': 0,
  };
  if (state.options.ha) {
    Object.assign(hdfs, {
      'dfs.nameservices': 'ns1',
      'dfs.ha.namenodes.ns1': nn.map(({ id }) => id).join(','),
      'dfs.namenode.shared.edits.dir': `qjournal://${jn.map(({ rpc }) => rpc).join(';')}/ns1`,
      'dfs.client.failover.proxy.provider.ns1':
        'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
      'dfs.ha.fencing.methods': 'shell(/bin/true)',
      'dfs.ha.tail-edits.period': 1,
    });
  }
  for (const { id, rpc, http, https } of nn) {
    const suffix = state.options.ha ? `.ns1.${id}` : '';
    hdfs[`dfs.namenode.rpc-address${suffix}`] = rpc;
    hdfs[`dfs.namenode.http-address${suffix}`] = http;
    hdfs[`dfs.namenode.https-address${suffix}`] = https;
  }
  const core = {
    'fs.defaultFS': state.defaultFS,
    'hadoop.tmp.dir': join(state.dir, 'tmp'),
    'hadoop.proxyuser.hdfs.hosts': '*',
    'hadoop.proxyuser.hdfs.groups': '*',
    'hadoop.user.group.static.mapping.overrides': 'hdfs=supergroup;alice=users;bob=users;dr.who=nobody',
    'hadoop.security.groups.cache.secs': 5,
    'ipc.client.connect.max.retries': 20,
  };
  for (const [key, value] of Object.entries(state.options.conf)) (key.startsWith('dfs.') ? hdfs : core)[key] = value;
  return { core, hdfs };
}

const OWN_PROPERTIES = {
  nn: ({ id }, { dir, options }) => ({
    'dfs.namenode.name.dir': `file://${dir}/data/${id}`,
    ...(options.ha ? { 'dfs.ha.namenode.id': id } : {}),
  }),
  jn: ({ id, rpc, http, https }, { dir }) => ({
    'dfs.journalnode.edits.dir': `${dir}/data/${id}`,
    'dfs.journalnode.rpc-address': rpc,
    'dfs.journalnode.http-address': http,
    'dfs.journalnode.https-address': https,
  }),
  dn: ({ id, data, http, https, ipc }, { dir, dn, options }) => ({
    'dfs.datanode.data.dir': `file://${dir}/data/${id}`,
    // So that redirects lead to this address.
    'dfs.datanode.hostname': options.hostnames?.[dn.findIndex((node) => node.id === id)] ?? HOST,
    'dfs.datanode.address': data,
    'dfs.datanode.http.address': http,
    'dfs.datanode.https.address': https,
    'dfs.datanode.ipc.address': ipc,
  }),
};

/** Writes the configuration of a whole cluster below `<dir>/conf`. */
export function writeConfiguration(state) {
  const { dir } = state;
  const { core, hdfs } = sharedProperties(state);
  const common = join(dir, 'conf', 'common');
  writeXml(common, 'core-site.xml', core);
  writeFileSync(join(common, 'log4j.properties'), log4j('INFO', 'out'));
  for (const [name, text] of Object.entries(state.options.files)) writeFileSync(join(common, name), text);
  // Maven's jars hold no web pages, and the daemons' web servers want their folders on the class path, if only empty.
  for (const name of ['hdfs', 'datanode', 'journal', 'static']) {
    mkdirSync(join(common, 'webapps', name), { recursive: true });
  }
  for (const kind of ['nn', 'jn', 'dn']) {
    for (const daemon of state[kind]) {
      const own = OWN_PROPERTIES[kind](daemon, state);
      writeXml(join(dir, 'conf', daemon.id), 'hdfs-site.xml', { ...hdfs, ...own });
    }
  }
  writeXml(clientConf(dir), 'core-site.xml', core);
  writeXml(clientConf(dir), 'hdfs-site.xml', hdfs);
  writeFileSync(join(clientConf(dir), 'log4j.properties'), log4j('ERROR', 'err'));
  for (const { id, http } of state.httpfs) writeGateway(join(dir, 'conf', id), dir, http, core, hdfs);
}

function writeGateway(folder, dir, http, core, hdfs) {
  const [host, port] = http.split(':');
  const ownKeys = Object.entries(core).filter(([key]) => /^(httpfs|hadoop\.http)\./.test(key));
  writeXml(folder, 'core-site.xml', core);
  writeXml(folder, 'hdfs-site.xml', hdfs);
  writeXml(folder, 'httpfs-site.xml', {
    'httpfs.hadoop.config.dir': clientConf(dir),
    'httpfs.http.hostname': host,
    'httpfs.http.port': port,
    'httpfs.proxyuser.hdfs.hosts': '*',
    'httpfs.proxyuser.hdfs.groups': '*',
    ...Object.fromEntries(ownKeys),
  });
  writeFileSync(join(folder, 'httpfs-signature.secret'), randomBytes(32).toString('base64'));
}
