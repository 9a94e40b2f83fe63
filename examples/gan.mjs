// shardfeed train examples/gan.mjs --workers 2: a GAN with a loop of its own. Two small dense networks of tfjs, two optimizers; the generator learns to
// draw from a ring. Every rank draws its own samples, and applies the same two updates in the same order.
import * as tf from '@tensorflow/tfjs';
import { adam, broadcastVariables, DistributedOptimizer, joinGroup, tensorVariables } from 'shardfeed/train';

const ROWS = 128;
const STEPS = 300;
const group = await joinGroup();

const dense = (units, activation, inputShape) =>
  tf.layers.dense({ units, activation, ...(inputShape && { inputShape }) });
const generator = tf.sequential({ layers: [dense(32, 'relu', [4]), dense(32, 'relu'), dense(2)] });
const discriminator = tf.sequential({ layers: [dense(32, 'relu', [2]), dense(32, 'relu'), dense(1)] });

/** An optimizer of all variables of a model, over all ranks. */
async function distributed(model) {
  const tensors = model.trainableWeights.map((weight) => weight.val);
  const variables = tensorVariables(tf, tensors);
  await broadcastVariables(group, variables);
  const optimizer = new DistributedOptimizer(group, variables, adam({ learningRate: 0.002, beta1: 0.5 }));
  return async (lossOf) => {
    const { value, grads } = tf.variableGrads(() => tf.tidy(lossOf), tensors);
    const gradients = Object.fromEntries(Object.entries(grads).map(([name, tensor]) => [name, tensor.dataSync()]));
    const update = await optimizer.apply({ gradients, weight: ROWS, loss: value.dataSync()[0] });
    tf.dispose([value, grads]);
    return update.loss;
  };
}

const ring = () => {
  const angle = tf.randomUniform([ROWS], 0, 2 * Math.PI);
  return tf.stack([tf.cos(angle), tf.sin(angle)], 1).add(tf.randomNormal([ROWS, 2], 0, 0.05));
};
const drawn = () => generator.apply(tf.randomNormal([ROWS, 4]), { training: true });
const judged = (samples, real) => {
  const logits = discriminator.apply(samples, { training: true });
  return tf.losses.sigmoidCrossEntropy(real ? tf.onesLike(logits) : tf.zerosLike(logits), logits);
};

const updateDiscriminator = await distributed(discriminator);
const updateGenerator = await distributed(generator);
let losses;
for (let step = 0; step < STEPS; step++) {
  group.enter(step === 0 ? 'first-step' : 'step', step);
  losses = [
    await updateDiscriminator(() => judged(ring(), true).add(judged(drawn(), false))),
    await updateGenerator(() => judged(drawn(), true)),
  ];
}
const radius = tf.tidy(() => tf.mean(tf.norm(drawn(), 2, 1)).dataSync()[0]);
if (group.rank === 0) {
  console.log(
    `discriminator ${losses[0].toFixed(3)}, generator ${losses[1].toFixed(3)}; mean radius ${radius.toFixed(2)} of 1`,
  );
}
await group.close();
