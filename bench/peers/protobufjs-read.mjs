// protobufjs-read.mjs FOLDER [LIMIT]: frames part files, checks both CRCs natively, decodes every Example to an object.
import { readFileSync } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import { partsOf, startClock } from '../lib/clock.mjs';
import { Example } from './example-proto.mjs';

const [folder, limit = Infinity] = process.argv.slice(2);
const mask = (crc) => ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;

function* recordsOf(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const payload = bytes.subarray(at + 12, at + 12 + length);
    if (mask(crc32c(bytes.subarray(at, at + 8))) !== bytes.readUInt32LE(at + 8)) throw new Error('header CRC');
    if (mask(crc32c(payload)) !== bytes.readUInt32LE(at + 12 + length)) throw new Error('payload CRC');
    yield payload;
    at += length + 16;
  }
}

const clock = startClock();
let rows = 0;
let bytes = 0;
let features = 0;
read: for (const part of partsOf(folder)) {
  for (const payload of recordsOf(readFileSync(part))) {
    features += Object.keys(Example.decode(payload).features.feature).length;
    bytes += payload.length + 16;
    if (++rows >= limit) break read;
  }
}
clock.report(rows, bytes, { features });
