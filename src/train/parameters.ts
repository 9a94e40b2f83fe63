/** One tensor of a model in a flat buffer. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat buffer. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Name of the optimizer that updates it, where there are several. */
  readonly group?: string;
}

/** Where a model's tensors lie in its flat float32 buffers: sorted by the UTF-8 bytes of their names, one behind the other. */
export interface ParameterLayout {
  readonly parameters: readonly Parameter[];
  /** Elements of all. */
  readonly size: number;
}

/** Lays tensors out, whatever the order in which they are given. */
export function layOut(
  tensors: readonly { name: string; shape: readonly number[]; group?: string }[],
): ParameterLayout {
  const sorted = tensors.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  let size = 0;
  const parameters = sorted.map((tensor) => {
    const elements = tensor.shape.reduce((product, length) => product * length, 1);
    const parameter = { ...tensor, offset: size, size: elements };
    size += elements;
    return parameter;
  });
  return { parameters, size };
}
