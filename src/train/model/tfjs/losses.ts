import type { Tensor } from '@tensorflow/tfjs';
import type { LossName } from '../spec.js';
import type { Tf } from './load-tf.js';

/** A row's loss, of labels and predictions that have rows as their first axis. */
export type RowLoss = (labels: Tensor, predictions: Tensor) => Tensor;

/** Probabilities are no nearer to 0 and 1 than this, as in Keras. */
const CERTAIN = 1e-7;

/** The losses by name, of predictions (no logits), as Keras computes them: one number a row. */
export function rowLoss(tf: Tf, name: LossName): RowLoss {
  const clip = (p: Tensor): Tensor => tf.clipByValue(p, CERTAIN, 1 - CERTAIN);
  const categorical: RowLoss = (labels, predictions) => {
    const shares = tf.div(predictions, tf.sum(predictions, -1, true));
    return tf.neg(tf.sum(tf.mul(labels, tf.log(clip(shares))), -1));
  };
  switch (name) {
    case 'binaryCrossentropy':
      return (labels, predictions) => {
        const p = clip(predictions);
        const both = tf.add(tf.mul(labels, tf.log(p)), tf.mul(tf.sub(1, labels), tf.log(tf.sub(1, p))));
        return tf.neg(tf.mean(both, -1));
      };
    case 'categoricalCrossentropy':
      return categorical;
    case 'sparseCategoricalCrossentropy':
      return (labels, predictions) => {
        const classes = tf.cast(tf.reshape(labels, [-1]), 'int32');
        return categorical(tf.oneHot(classes, predictions.shape.at(-1)!), predictions);
      };
    case 'meanSquaredError':
      return (labels, predictions) => tf.mean(tf.square(tf.sub(predictions, labels)), -1);
    case 'meanAbsoluteError':
      return (labels, predictions) => tf.mean(tf.abs(tf.sub(predictions, labels)), -1);
  }
}
