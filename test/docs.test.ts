import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addCommands } from '../src/cli/commands.js';
import type { Session } from '../src/cli/session.js';
import { ERROR_CODES, type ErrorCode, exitCodeOf, ShardfeedError } from '../src/errors.js';
import * as shardfeed from '../src/index.js';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('the documentation', () => {
  it('lists every error code with its exit code, and no other', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(SHARDFEED_\w+)` \|.*\| (\d+) \|$/gm)];
    const documented = Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)]));
    const codes = Object.keys(ERROR_CODES) as ErrorCode[];
    expect(documented).toEqual(
      Object.fromEntries(codes.map((code) => [code, exitCodeOf(new ShardfeedError(code, 'x'))])),
    );
  });

  it('opens with the two lines that make the demo and the tests run', () => {
    const [demo, test] = [...read('README.md').matchAll(/^npm ci && .*$/gm)].map(([line]) => line);
    expect([demo, test]).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });

  it('imports only what there is', () => {
    const pages = ['README.md', 'docs/features.md', 'docs/reading.md'].map(read).join();
    const imports = [...pages.matchAll(/import \{ ([^}]*) \} from 'shardfeed'/g)];
    expect(imports.length).toBeGreaterThan(0);
    for (const name of imports.flatMap(([, names]) => names!.split(', '))) expect(shardfeed).toHaveProperty(name);
  });

  it('lists every command', () => {
    const program = new Command();
    addCommands(program, {} as Session);
    const rows = read('README.md').match(/^\| `[a-z].*$/gm) ?? [];
    const documented = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(documented.sort()).toEqual(program.commands.map((command) => command.name()).sort());
  });
});
