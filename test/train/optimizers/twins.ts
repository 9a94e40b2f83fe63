// The kernel's optimizers in plain TypeScript, operation by operation in float32: the kernel's bits must be theirs.
const f = Math.fround;

export type Twin = (
  weights: Float32Array,
  gradients: Float32Array,
  slots: readonly Float32Array[],
  rate: number,
  update: number,
) => void;

export function sgdTwin(momentum: number, nesterov: boolean): Twin {
  return (weights, gradients, [velocities], rate) => {
    for (let i = 0; i < weights.length; i++) {
      const step = f(f(rate) * gradients[i]!);
      if (velocities === undefined) {
        weights[i] = f(weights[i]! - step);
        continue;
      }
      velocities[i] = f(f(velocities[i]! * f(momentum)) - step);
      const change = nesterov ? f(f(velocities[i]! * f(momentum)) - step) : velocities[i]!;
      weights[i] = f(weights[i]! + change);
    }
  };
}

export function adagradTwin(epsilon: number): Twin {
  return (weights, gradients, [accumulators], rate) => {
    for (let i = 0; i < weights.length; i++) {
      const gradient = gradients[i]!;
      accumulators![i] = f(accumulators![i]! + f(gradient * gradient));
      const root = f(Math.sqrt(f(accumulators![i]! + f(epsilon))));
      weights[i] = f(weights[i]! - f(f(f(rate) * gradient) / root));
    }
  };
}

export function rmsPropTwin(rho: number, momentum: number, epsilon: number, centered: boolean): Twin {
  return (weights, gradients, slots, rate) => {
    const [squares] = slots;
    const means = centered ? slots[1] : undefined;
    const momenta = momentum > 0 ? slots.at(-1) : undefined;
    for (let i = 0; i < weights.length; i++) {
      const gradient = gradients[i]!;
      squares![i] = f(f(f(rho) * squares![i]!) + f(f(1 - rho) * f(gradient * gradient)));
      let spread = squares![i]!;
      if (means !== undefined) {
        means[i] = f(f(f(rho) * means[i]!) + f(f(1 - rho) * gradient));
        spread = f(spread - f(means[i]! * means[i]!));
      }
      let change = f(f(f(rate) * gradient) / f(Math.sqrt(f(spread + f(epsilon)))));
      if (momenta !== undefined) {
        change = f(f(f(momentum) * momenta[i]!) + change);
        momenta[i] = change;
      }
      weights[i] = f(weights[i]! - change);
    }
  };
}

export function adamTwin(beta1: number, beta2: number, epsilon: number, amsgrad: boolean, decay: number): Twin {
  return (weights, gradients, [means, squares, maxima], rate, update) => {
    const rest = (beta: number): number => f(1 - f(f(beta) ** (update + 1)));
    const corrected = f(f(f(rate) * f(Math.sqrt(rest(beta2)))) / rest(beta1));
    for (let i = 0; i < weights.length; i++) {
      const gradient = gradients[i]!;
      means![i] = f(means![i]! + f(f(gradient - means![i]!) * f(1 - beta1)));
      squares![i] = f(squares![i]! + f(f(f(gradient * gradient) - squares![i]!) * f(1 - beta2)));
      if (amsgrad) maxima![i] = Math.max(maxima![i]!, squares![i]!);
      const square = (amsgrad ? maxima! : squares!)[i]!;
      const weight = decay === 0 ? weights[i]! : f(weights[i]! - f(f(weights[i]! * f(decay)) * f(rate)));
      weights[i] = f(weight - f(f(means![i]! * corrected) / f(f(Math.sqrt(square)) + f(epsilon))));
    }
  };
}

/** `power` is minus the learning rate's. */
export function ftrlTwin(power: number, l1: number, l2: number, shrinkage: number): Twin {
  const raise = (value: number): number => f(power === 0.5 ? Math.sqrt(value) : f(value) ** f(power));
  return (weights, gradients, [accumulators, linears], rate) => {
    for (let i = 0; i < weights.length; i++) {
      const gradient = gradients[i]!;
      const old = accumulators![i]!;
      const accumulator = f(old + f(gradient * gradient));
      accumulators![i] = accumulator;
      const shrunk = f(gradient + f(f(2 * shrinkage) * weights[i]!));
      const sigma = f(f(raise(accumulator) - raise(old)) / f(rate));
      const linear = f(linears![i]! + f(shrunk - f(sigma * weights[i]!)));
      linears![i] = linear;
      const clipped = Math.max(-f(l1), Math.min(f(l1), linear));
      weights[i] = f(f(clipped - linear) / f(f(raise(accumulator) / f(rate)) + f(2 * l2)));
    }
  };
}
