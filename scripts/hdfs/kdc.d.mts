export const REALM: string;
export function whyNoKdc(): string | undefined;
export function kerberosEnvironment(realm: string): { KRB5_CONFIG: string; KRB5_KDC_PROFILE: string };
export function startKdc(realm: string, keytabs: Record<string, string[]>): Promise<Record<string, string>>;
export function stopKdc(realm: string): void;
export function logIn(realm: string, who: { keytab: string; principal: string; cache: string; life?: string }): void;
