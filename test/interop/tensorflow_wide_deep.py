#!/usr/bin/env python3
"""tensorflow_wide_deep.py JOB: trains wide & deep in TensorFlow from the weights and data of a JSON job: { data, steps, batch, wide, deep, ranks,
weights: { name: [values] } }. `data` is a file of float32: steps x batch rows of deep columns and a label; the wide inputs are the last of the
deep ones. With several ranks each computes gradients of its rows, and with its own batch statistics. Prints { losses, weights, state, predictions }."""
import json
import os
import sys

os.environ['CUDA_VISIBLE_DEVICES'] = ''
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
os.environ['KERAS_BACKEND'] = 'tensorflow'
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

job = json.load(open(sys.argv[1]))
steps, batch, wide, deep, ranks = (job[key] for key in ('steps', 'batch', 'wide', 'deep', 'ranks'))
data = np.fromfile(job['data'], np.float32).reshape(steps, batch, deep + 1)

deep_in = keras.Input((deep,))
wide_in = keras.Input((wide,))
normal = keras.layers.BatchNormalization()
hidden = keras.layers.Dense(128, activation='relu')
last = keras.layers.Dense(1)
linear = keras.layers.Dense(1)
total = keras.layers.Add()([linear(wide_in), last(hidden(normal(deep_in)))])
model = keras.Model([wide_in, deep_in], keras.layers.Activation('sigmoid')(total))
logits = keras.Model([wide_in, deep_in], total)

VARIABLES = {
    'deep/batch_normalization/beta': normal.beta,
    'deep/batch_normalization/gamma': normal.gamma,
    'deep/dense/bias': hidden.bias,
    'deep/dense/kernel': hidden.kernel,
    'deep/dense_1/bias': last.bias,
    'deep/dense_1/kernel': last.kernel,
    'wide/dense/bias': linear.bias,
    'wide/dense/kernel': linear.kernel,
}
for name, values in job['weights'].items():
    VARIABLES[name].assign(np.reshape(np.array(values, np.float32), VARIABLES[name].shape))
deep_variables = [variable for name, variable in VARIABLES.items() if name.startswith('deep')]
wide_variables = [variable for name, variable in VARIABLES.items() if name.startswith('wide')]
ftrl = keras.optimizers.Ftrl(0.05, l1_regularization_strength=0.5)
adagrad = keras.optimizers.Adagrad(0.05)
ftrl.build(wide_variables)
adagrad.build(deep_variables)


@tf.function
def gradients_of(rows):
    with tf.GradientTape() as tape:
        z = logits([rows[:, deep - wide : deep], rows[:, :deep]], training=True)
        loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=rows[:, deep:], logits=z))
    variables = [variable.value for variable in deep_variables + wide_variables]
    return loss, tape.gradient(loss, variables)


losses = []
for step in range(steps):
    cuts = [rank * batch // ranks for rank in range(ranks + 1)]
    parts = [gradients_of(tf.constant(data[step, cuts[r] : cuts[r + 1]])) for r in range(ranks)]
    means = [tf.add_n(list(gradients)) / batch for gradients in zip(*(part[1] for part in parts))]
    losses.append(float(sum(float(part[0]) for part in parts)) / batch)
    adagrad.apply(means[: len(deep_variables)], deep_variables)
    ftrl.apply(means[len(deep_variables) :], wide_variables)

rows = data[0]
print(
    json.dumps(
        {
            'losses': losses,
            'weights': {name: np.ravel(variable.numpy()).tolist() for name, variable in VARIABLES.items()},
            'state': {
                'deep/batch_normalization/moving_mean': normal.moving_mean.numpy().tolist(),
                'deep/batch_normalization/moving_variance': normal.moving_variance.numpy().tolist(),
            },
            'predictions': np.ravel(model([rows[:, deep - wide : deep], rows[:, :deep]], training=False).numpy()).tolist(),
        }
    )
)
