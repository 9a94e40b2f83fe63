// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are Hadoop's variables

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadHadoopConfiguration, parseHadoopXml, substitute } from '../../src/hdfs/hadoop-configuration.js';
import { scratchFolder } from '../files/scratch.js';

const folder = await scratchFolder();
const property = (name: string, value: string, more = '') =>
  `<property><name>${name}</name><value>${value}</value>${more}</property>`;
const document = (...properties: string[]) =>
  `<?xml version="1.0"?>\n<?xml-stylesheet type="text/xsl" href="configuration.xsl"?>\n<!-- a comment -->\n<configuration>\n${properties.join('\n')}\n</configuration>\n`;

test('properties of both files, hdfs-site.xml last', async () => {
  await writeFile(join(folder, 'core-site.xml'), document(property('fs.defaultFS', 'hdfs://ns1'), property('a', '1')));
  await writeFile(
    join(folder, 'hdfs-site.xml'),
    document(property('a', '${b} &amp; ${env.SF_A} ${env.SF_NONE:-x}'), property('b', ' two\n')),
  );
  vi.stubEnv('SF_A', 'three');
  expect(Object.fromEntries(await loadHadoopConfiguration(folder))).toEqual({
    'fs.defaultFS': 'hdfs://ns1',
    a: 'two & three x',
    b: 'two',
  });
  vi.stubEnv('HADOOP_CONF_DIR', folder);
  expect((await loadHadoopConfiguration()).get('b')).toBe('two');
  vi.unstubAllEnvs();
});

test('final, description, CDATA, attributes, numbers and a property without value', () => {
  const text = document(
    property('port', '0123', '<final>true</final><description>a <b>port</b></description>'),
    property('raw', '<![CDATA[a<b]]>'),
    '<property name="short" value="form"/>',
    '<property><name>empty</name></property>',
  );
  expect(Object.fromEntries(parseHadoopXml(text, 'x'))).toEqual({ port: '0123', raw: 'a<b', short: 'form' });
  expect(parseHadoopXml('<configuration/>', 'x').size).toBe(0);
});

test('variables that go round end, and unknown ones stay', () => {
  const found = substitute(
    new Map([
      ['a', '${b}'],
      ['b', '${a}'],
      ['c', '${nothing} $x'],
      ['d', '${d}${d}'],
    ]),
  );
  expect(found.get('c')).toBe('${nothing} $x');
  expect(found.get('a')).toMatch(/^\$\{[ab]\}$/);
  expect(found.get('d')!.length).toBeLessThan(1 << 17);
});

test.each([
  [
    'entities',
    '<!DOCTYPE c [<!ENTITY a "aaaa">]><configuration><property><name>a</name><value>&a;</value></property></configuration>',
  ],
  [
    'includes',
    '<configuration xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></configuration>',
  ],
  ['another document', '<html><body>no</body></html>'],
  ['no XML', '<configuration><property></configuration>'],
])('%s are refused', (_, text) => {
  const found = expect.objectContaining({ code: 'SHARDFEED_USAGE', path: '/conf/core-site.xml' });
  expect(() => parseHadoopXml(text, '/conf/core-site.xml')).toThrow(found);
});

test('a folder that was named must hold a configuration', async () => {
  await expect(loadHadoopConfiguration(join(folder, 'none'))).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
});
