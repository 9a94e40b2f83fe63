// Makes .venv with the pinned packages of test/interop/requirements.txt, once: `npm run tf-venv`. Does nothing when the
// folder was made from the same file already. SHARDFEED_PYTHON names the interpreter (default python3).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const pathOf = (relative) => fileURLToPath(new URL(relative, root));
const REQUIREMENTS = pathOf('test/interop/requirements.txt');
const VENV = pathOf('.venv');
const STAMP = pathOf('.venv/requirements.sha256');

/** The interpreter of the virtual environment. */
export const PYTHON = pathOf('.venv/bin/python');

/** Makes the virtual environment unless it is there. @throws where Python is missing or a package cannot be had */
export function ensureTensorFlow() {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(PYTHON) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return PYTHON;
  const python = process.env.SHARDFEED_PYTHON ?? 'python3';
  rmSync(VENV, { recursive: true, force: true });
  run(python, ['-c', 'import sys; assert (3, 11) <= sys.version_info < (3, 14), sys.version'], 'Python 3.11 to 3.13');
  run(python, ['-m', 'venv', VENV], "Python's venv module (Debian: python3-venv)");
  run(
    PYTHON,
    ['-m', 'pip', 'install', '--quiet', '--no-input', '-r', REQUIREMENTS],
    'the packages of requirements.txt',
  );
  writeFileSync(STAMP, digest);
  return PYTHON;
}

function run(command, args, wants) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0)
    throw new Error(`${command} ${args.slice(0, 2).join(' ')} failed: this needs ${wants}`, { cause: error });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(ensureTensorFlow());
