export type { Negotiate } from './kerberos.js';
export { type CredentialsOptions, openCredentials } from './open-credentials.js';
export { type AllowRedirect, type CheckRedirect, checkRedirects } from './redirects.js';
export { type TlsOptions, tlsAgentOptions } from './tls.js';
