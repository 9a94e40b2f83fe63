// The little of the npm package that the tests use.
declare module 'webhdfs' {
  interface Client {
    readFile(path: string, done: (error: Error | null, data: Buffer) => void): void;
    readdir(path: string, done: (error: Error | null, files: { pathSuffix: string; length: number }[]) => void): void;
  }
  const webhdfs: { createClient(options: { user: string; host: string; port: number; path: string }): Client };
  export = webhdfs;
}
