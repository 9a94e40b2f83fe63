export { type Initializer, initialize } from './initializers.js';
export { checkSeed, fillDropout, fillUniform, layerKey } from './random-rows.js';
