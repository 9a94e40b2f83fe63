export { trainHeapBase } from './memory';
export * from './reduce';
