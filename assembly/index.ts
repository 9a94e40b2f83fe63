export * from './crc32c';
export * from './csv';
export * from './example-decode';
export * from './example-encode';
export * from './framing';
export * from './hash';
export * from './statistics';
