export { DelegationToken, type TokenIdentifier } from './delegation-token.js';
export type { Negotiate } from './kerberos.js';
export { type CredentialsOptions, openCredentials } from './open-credentials.js';
export { redact, redactError } from './redact.js';
export { type AllowRedirect, checkRedirect, type RedirectOptions } from './redirects.js';
export { type TlsOptions, tlsAgentOptions } from './tls.js';
export { parseTokenStorage, readTokenFile } from './token-storage.js';
