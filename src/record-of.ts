import { z } from 'zod';

/** An object of any names, of values of a type; `z.record` and `catchall` would leave out what is called `__proto__`. */
export function recordOf<T>(type: z.ZodType<T>, name: z.ZodType<string, string> = z.string()) {
  const entries = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : value;
  const error = ({ code }: { code: string }): string | undefined =>
    code === 'invalid_type' ? 'Invalid input: expected an object' : undefined;
  return z.preprocess(entries, z.map(name, type, { error })).transform((map) => Object.fromEntries(map));
}
