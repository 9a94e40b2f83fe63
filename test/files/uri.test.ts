import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type FileSystem, memoryFileSystem, openFiles, resolveUri } from '../../src/files/index.js';
import { parseUri } from '../../src/files/uri.js';

describe('parseUri', () => {
  test.each([
    ['/data/part-r-00000', '/data/part-r-00000'],
    ['/data/../x//y/.', '/x/y'],
    ['/data/', '/data'],
    ['/', '/'],
    ['data', resolve('data')],
    ['./data', resolve('data')],
    ['-', resolve('-')],
    ['2024:01.csv', resolve('2024:01.csv')],
    ['a%20b', resolve('a%20b')],
    ['a#b?c', resolve('a#b?c')],
    ['C:x', resolve('C:x')],
    ['/a://b', '/a:/b'],
    ['file:///data/a%20b%25', '/data/a b%'],
    ['file:///data/a#b?c', '/data/a#b?c'],
    ['file:///data/%C3%A9', '/data/é'],
    ['file:///data/é+;', '/data/é+;'],
    ['file:///data/%2E%2E/x', '/x'],
    ['file://localhost/data', '/data'],
    ['FILE:///data', '/data'],
    ['file:/data/a%20b', '/data/a b'],
    ['file://', '/'],
  ])('%s is the local path %s', (uri, path) => {
    expect(parseUri(uri)).toEqual({ scheme: 'file', authority: '', path });
  });

  test.each([
    ['memory:///a/b', 'memory', '', '/a/b'],
    ['memory://', 'memory', '', '/'],
    ['hdfs://namenode:8020/data/50%25 é#?', 'hdfs', 'namenode:8020', '/data/50%25 é#?'],
    ['hdfs://ns1', 'hdfs', 'ns1', '/'],
    ['hdfs:/data//x', 'hdfs', '', '/data/x'],
    ['S3A://bucket/key', 's3a', 'bucket', '/key'],
  ])('%s keeps its path as it stands', (uri, scheme, authority, path) => {
    expect(parseUri(uri)).toEqual({ scheme, authority, path });
  });

  test.each([
    ['', 'names no file'],
    ['file://host/data', 'localhost'],
    ['file:///a%2fb', '%2F'],
    ['file:///50%', '%25'],
    ['file:///%ff', '%25'],
    ['/a\0b', 'absolute'],
  ])('%j is refused', (uri, message) => {
    expect(() => parseUri(uri)).toThrow(message);
    expect(() => parseUri(uri)).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
  });
});

describe('resolveUri', () => {
  test('leads plain paths and file URIs to the local driver', () => {
    expect(resolveUri('/x').fs.scheme).toBe('file');
    expect(resolveUri('file:///x').path).toBe('/x');
  });

  test('names the schemes it knows', () => {
    expect(() => resolveUri('gopher://host/x')).toThrow(/no driver for gopher:\/\/.*file:\/\//);
    expect(() => resolveUri('gopher://host/x')).toThrow(expect.objectContaining({ code: 'SHARDFEED_UNSUPPORTED' }));
    expect(() => resolveUri('constructor://x')).toThrow(expect.objectContaining({ code: 'SHARDFEED_UNSUPPORTED' }));
  });

  test('says how memory:// is had', () => {
    expect(() => resolveUri('memory:///x')).toThrow('memoryFileSystem()');
    const memory = memoryFileSystem();
    expect(resolveUri('memory:///x', { files: openFiles({ drivers: { memory } }) })).toEqual({
      fs: memory,
      path: '/x',
    });
  });

  test('a driver is made once for each authority', () => {
    const made: string[] = [];
    const driver = (authority: string): FileSystem => {
      made.push(authority);
      return memoryFileSystem();
    };
    const files = openFiles({ drivers: { hdfs: driver } });
    const one = files.resolve('hdfs://nn1/a').fs;
    expect(files.resolve('hdfs://nn1/b').fs).toBe(one);
    expect(files.resolve('hdfs://nn2/b').fs).not.toBe(one);
    expect(made).toEqual(['nn1', 'nn2']);
  });
});
