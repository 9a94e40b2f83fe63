export { type AdagradOptions, adagrad } from './adagrad.js';
export { type AdamOptions, type AdamWOptions, adam, adamW } from './adam.js';
export { type Clipping, checkClipping, clip, normOf } from './clip.js';
export { type FtrlOptions, ftrl } from './ftrl.js';
export type { LearningRate, Optimizer } from './optimizer.js';
export { OptimizerSet, type Optimizers } from './optimizer-set.js';
export { type RmsPropOptions, rmsProp } from './rmsprop.js';
export { type SgdOptions, sgd } from './sgd.js';
