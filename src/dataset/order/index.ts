export { epochOrder } from './epoch-order.js';
export { fileShares } from './file-shares.js';
export type { NearRanks } from './local-rows.js';
export {
  type OrderOptions,
  type OrderSpec,
  positive,
  resolveOrder,
  type Shuffle,
  usage,
  type WindowSizes,
} from './order-spec.js';
export { Ordinals } from './ordinals.js';
export { countSteps, rowsOf, type Share, type Tail } from './share.js';
export type { Stage } from './stage.js';
