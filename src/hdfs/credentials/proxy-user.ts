import type { Credentials } from '../credentials.js';

/** Acts for another user (`doas`), which the cluster must allow: `hadoop.proxyuser.<us>.hosts` and `.groups`. */
export function proxyUser(base: Credentials, doas: string): Credentials {
  return {
    ...base,
    query: async (target, context) => ({ ...(await base.query?.(target, context)), doas }),
  };
}
