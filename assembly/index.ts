export * from './crc32c';
export { csvParse } from './csv';
export { csvNumberInit } from './csv-number';
export { csvCount, csvCountToRowEnd } from './csv-scan';
export * from './example-decode';
export * from './example-encode';
export * from './framing';
export * from './hash';
export * from './statistics';
