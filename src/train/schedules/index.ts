export { constant, cosineDecay, exponentialDecay, piecewise, polynomialDecay, stepDecay } from './decays.js';
export { rateAt, type Schedule, type ScheduleContext } from './schedule.js';
export { linearScaling, type ReduceOnPlateauOptions, reduceOnPlateau, warmUp } from './wrappers.js';
