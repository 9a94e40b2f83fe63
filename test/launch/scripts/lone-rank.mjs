// A rank that another system than the launcher starts: it prints what it found, and does what its argument says.
const names = ['RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT', 'SHARDFEED_SECRET_FILE', 'SHARDFEED_JOB_ID'];
const args = process.argv.slice(2);
const found = Object.fromEntries(names.map((name) => [name, process.env[name]]));
if (args[0] === 'save') {
  process.on('SIGTERM', () => process.exit(75));
  setInterval(() => {}, 1000);
}
console.log(JSON.stringify({ ...found, RANK: found.RANK ?? 'none', args }));
if (args[0] === 'exit') process.exitCode = 7;
