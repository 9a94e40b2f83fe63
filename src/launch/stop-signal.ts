import { constants } from 'node:os';

/** The signal of the operating system that made an AbortSignal fire, if one did: the `cause` of its reason; else SIGTERM. */
export function stopSignal(stop: AbortSignal): NodeJS.Signals {
  const cause = stop.reason instanceof Error ? stop.reason.cause : undefined;
  return typeof cause === 'string' && Object.hasOwn(constants.signals, cause) ? (cause as NodeJS.Signals) : 'SIGTERM';
}
