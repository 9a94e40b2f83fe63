/** What collectives move, and models hold. */
export type NumericArray = Float32Array | Float64Array | Int32Array;
