export { type EpochOrder, type EpochOrderInput, epochOrder } from './epoch-order.js';
export { type OrderOptions, type OrderSpec, resolveOrder, type Shuffle, type WindowSizes } from './order-spec.js';
export { countSteps, rowsOf, type Share, type Tail } from './share.js';
export type { Run, Stage } from './stage.js';
