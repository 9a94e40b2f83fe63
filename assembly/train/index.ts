export { trainHeapBase } from './memory';
export * from './reduce';
export * from './optimizers';
export * from './random';
