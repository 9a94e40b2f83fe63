export * from './crc32c';
