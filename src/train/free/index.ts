export { broadcastVariables } from './broadcast-variables.js';
export { DistributedOptimizer, type DistributedOptimizerOptions, type RankGradients } from './distributed-optimizer.js';
export { type FreeModel, freeModel } from './free-model.js';
export { tensorVariables, type Variable, type Variables } from './variables.js';
