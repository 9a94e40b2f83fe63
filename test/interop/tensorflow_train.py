"""Optimizers, metrics and schedules as Keras and TensorFlow compute them: prints JSON. What goes in is made by the formula of
test/random.mjs, so that only what comes out need be kept. `tensorflow_train.py > test/fixtures/keras.json` makes the golden file."""
import json
import os

os.environ['CUDA_VISIBLE_DEVICES'] = ''
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
os.environ['KERAS_BACKEND'] = 'tensorflow'
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

COUNT = 37
STEPS = 100
KEPT = [1, 2, 10, 100]


def random_of(seed):
    state = seed & 0xFFFFFFFF

    def imul(a, b):
        return (a * b) & 0xFFFFFFFF

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = imul(state ^ (state >> 15), state | 1)
        t ^= (t + imul(t ^ (t >> 7), t | 61)) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32

    return draw


def array(draw, count, scale=2.0, shift=-0.5):
    return np.array([(draw() + shift) * scale for _ in range(count)], np.float32)


def train(update):
    """Weights after some of the steps; the gradients shrink from step to step, and one in eight is 0."""
    draw = random_of(7)
    weights = tf.Variable(array(draw, COUNT))
    kept = []
    for step in range(1, STEPS + 1):
        gradients = array(draw, COUNT) * np.float32(4 / step)
        gradients[step % 8 :: 8] = 0
        update(weights, tf.constant(gradients))
        if step in KEPT:
            kept.append(weights.numpy().tolist())
    return kept


def keras_optimizer(make):
    draw = random_of(7)
    variable = keras.Variable(array(draw, COUNT))
    optimizer = make()
    optimizer.build([variable])
    kept = []
    for step in range(1, STEPS + 1):
        gradients = array(draw, COUNT) * np.float32(4 / step)
        gradients[step % 8 :: 8] = 0
        optimizer.apply_gradients([(tf.constant(gradients), variable)])
        if step in KEPT:
            kept.append(np.array(variable).tolist())
    return kept


def legacy_adagrad():
    """What tf_keras.optimizers.legacy.Adagrad calls."""
    accumulator = tf.Variable(tf.fill([COUNT], 0.1))
    return train(
        lambda w, g: tf.raw_ops.ResourceApplyAdagradV2(
            var=w.handle, accum=accumulator.handle, lr=0.05, epsilon=1e-7, grad=g
        )
    )


def legacy_ftrl():
    """What tf_keras.optimizers.legacy.Ftrl calls."""
    accumulator = tf.Variable(tf.fill([COUNT], 0.1))
    linear = tf.Variable(tf.zeros([COUNT]))
    return train(
        lambda w, g: tf.raw_ops.ResourceApplyFtrl(
            var=w.handle, accum=accumulator.handle, linear=linear.handle, grad=g, lr=0.05, l1=0.5, l2=0.0, lr_power=-0.5
        )
    )


def optimizers():
    o = keras.optimizers
    return {
        'sgd': keras_optimizer(lambda: o.SGD(0.1)),
        'momentum': keras_optimizer(lambda: o.SGD(0.1, momentum=0.9)),
        'nesterov': keras_optimizer(lambda: o.SGD(0.1, momentum=0.9, nesterov=True)),
        'adagrad': keras_optimizer(lambda: o.Adagrad(0.05)),
        'adagradLegacy': legacy_adagrad(),
        'rmsProp': keras_optimizer(lambda: o.RMSprop(0.01)),
        'rmsPropMomentum': keras_optimizer(lambda: o.RMSprop(0.01, rho=0.8, momentum=0.5)),
        'rmsPropCentered': keras_optimizer(lambda: o.RMSprop(0.01, centered=True, momentum=0.3, epsilon=1e-3)),
        'adam': keras_optimizer(lambda: o.Adam(0.01)),
        'adamAmsgrad': keras_optimizer(lambda: o.Adam(0.01, beta_1=0.8, beta_2=0.99, amsgrad=True)),
        'adamW': keras_optimizer(lambda: o.AdamW(0.01, weight_decay=0.02)),
        'ftrl': keras_optimizer(lambda: o.Ftrl(0.05, l1_regularization_strength=0.5)),
        'ftrlLegacy': legacy_ftrl(),
        'ftrlAll': keras_optimizer(
            lambda: o.Ftrl(
                0.05,
                learning_rate_power=-0.3,
                initial_accumulator_value=0.2,
                l1_regularization_strength=0.02,
                l2_regularization_strength=0.1,
                l2_shrinkage_regularization_strength=0.05,
                beta=0.1,
            )
        ),
        'clipnorm': keras_optimizer(lambda: o.SGD(0.1, global_clipnorm=1.0)),
        'clipvalue': keras_optimizer(lambda: o.SGD(0.1, clipvalue=0.3)),
    }


def metrics():
    m = keras.metrics
    draw = random_of(11)
    binary = [m.BinaryAccuracy(), m.Precision(), m.Recall(), m.AUC(), m.BinaryCrossentropy(), m.MeanAbsoluteError(), m.MeanSquaredError()]
    names = ['binaryAccuracy', 'precision', 'recall', 'auc', 'logLoss', 'mae', 'mse']
    result = {}
    for rows in [100, 1, 355]:
        predictions = array(draw, rows, 1.0, 0.0)
        predictions[::9] = np.round(predictions[::9])
        labels = np.array([float(draw() < 0.2 + 0.6 * p) for p in predictions], np.float32)
        weights = array(draw, rows, 2.0, 0.0)
        weights[::7] = 0
        for metric in binary:
            metric.update_state(labels[:, None], predictions[:, None], sample_weight=weights)
    result.update({name: float(metric.result()) for name, metric in zip(names, binary)})
    several = [m.CategoricalAccuracy(), m.SparseCategoricalAccuracy(), m.CategoricalCrossentropy(), m.SparseCategoricalCrossentropy()]
    names = ['categoricalAccuracy', 'sparseCategoricalAccuracy', 'crossEntropy', 'sparseCrossEntropy']
    for rows in [50, 203]:
        predictions = array(draw, rows * 4, 1.0, 0.01).reshape(rows, 4)
        predictions /= predictions.sum(1, keepdims=True)
        classes = np.array([int(draw() * 4) for _ in range(rows)])
        one_hot = np.eye(4, dtype=np.float32)[classes]
        weights = array(draw, rows, 2.0, 0.0)
        for metric, labels in zip(several, [one_hot, classes, one_hot, classes]):
            metric.update_state(labels, predictions, sample_weight=weights)
    result.update({name: float(metric.result()) for name, metric in zip(names, several)})
    return result


def schedules():
    s = keras.optimizers.schedules
    made = {
        'exponentialDecay': s.ExponentialDecay(0.1, 30, 0.5),
        'staircase': s.ExponentialDecay(0.1, 30, 0.5, staircase=True),
        'cosineDecay': s.CosineDecay(0.1, 100, alpha=0.05),
        'polynomialDecay': s.PolynomialDecay(0.1, 100, 0.01, power=2.0),
        'piecewise': s.PiecewiseConstantDecay([10, 50], [0.1, 0.05, 0.001]),
    }
    steps = [0, 1, 10, 11, 30, 50, 51, 99, 100, 150]
    return {name: [float(schedule(step)) for step in steps] for name, schedule in made.items()}


print(json.dumps({
    'versions': {'keras': keras.__version__, 'tensorflow': tf.__version__},
    'optimizers': optimizers(),
    'metrics': metrics(),
    'schedules': schedules(),
}))
