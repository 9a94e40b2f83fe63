export function findKerberosPackage(): string | undefined;
export function ensureKerberosPackage(): string;
