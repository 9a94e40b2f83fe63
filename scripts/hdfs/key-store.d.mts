export function makeKeyStore(
  dir: string,
  names: string,
  trusted?: string,
): { ca: string; files: Record<'ssl-server.xml' | 'ssl-client.xml', string> };
