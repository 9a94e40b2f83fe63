export * from './activations';
export * from './batch-norm';
export * from './dense';
export * from './loss';
export * from './matrices';
export { trainHeapBase } from './memory';
export * from './optimizers';
export * from './random';
export * from './reduce';
