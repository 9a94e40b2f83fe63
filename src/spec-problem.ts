import type { z } from 'zod';
import { ShardfeedError } from './errors.js';

/** The first problem of a spec that may come from JSON: the place in it, what is wanted there, and what is there. */
export function specProblem(of: string, json: unknown, { issues }: z.ZodError): ShardfeedError {
  const [{ path, message }] = issues as [z.core.$ZodIssue];
  const value = path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  const where = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const wanted = message.replace(/^Invalid input: /, '').replace(/, received .*/, '');
  return new ShardfeedError('SHARDFEED_USAGE', `${of}${where}: ${wanted}, got ${JSON.stringify(value)}`);
}
