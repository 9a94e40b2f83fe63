// curl.mjs get URL | put URL FILE: what curl takes for the bytes of one file of a cluster, redirect included.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { endedChildrenCpuSeconds } from '../lib/child-cpu.mjs';

const [way, url, file] = process.argv.slice(2);

function curl(...args) {
  const { status, stdout, stderr } = spawnSync('curl', ['--silent', '--show-error', '--fail', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`curl ended with ${status}: ${stderr}`);
  return stdout;
}

const start = performance.now();
let bytes;
if (way === 'put') {
  const location = curl('--request', 'PUT', '--write-out', '%{redirect_url}', url);
  curl('--upload-file', file, location);
  bytes = statSync(file).size;
} else {
  bytes = Number(curl('--location', '--output', '/dev/null', '--write-out', '%{size_download}', url));
}
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ rows: bytes, bytes, seconds, cpuSeconds: endedChildrenCpuSeconds() }));
