/** Parameters and headers that carry secrets, in URLs, JSON and messages. */
const SECRETS = /\b(delegation|token|signature|password|hadoop\.auth)(["']?\s*[=:]\s*["']?)([^&\s"',;}<>]+)/gi;

/** Strikes secrets out of a text that is to be shown. */
export function redact(text: string, more: readonly string[] = []): string {
  let shown = text.replace(SECRETS, '$1$2***');
  for (const secret of more) if (secret !== '') shown = shown.replaceAll(secret, '***');
  return shown;
}
