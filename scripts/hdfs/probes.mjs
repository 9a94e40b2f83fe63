// When is a daemon up? What it says of itself under /jmx, over the http or https address that the policy leaves it.
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFile, pidOf } from './processes.mjs';

/** One HTTP exchange: { status, text }. Certificates are not checked: it is our own cluster, on this machine. */
export function exchange(state, daemon, path, method = 'GET') {
  const secure = state.options.conf['dfs.http.policy'] === 'HTTPS_ONLY' && daemon.https !== undefined;
  const [host, port] = (secure ? daemon.https : daemon.http).split(':');
  const { headers } = state.options;
  const options = { host, port, path, method, headers, timeout: 30_000, agent: false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode, text })).on('error', reject);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer within 30 s')));
    request.end();
  });
}

async function bean(state, daemon, name) {
  const { text } = await exchange(state, daemon, `/jmx?qry=Hadoop:service=${name}`);
  return JSON.parse(text).beans[0];
}

function accepts(address) {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

const IS_UP = {
  nn: async (state, daemon) => (await bean(state, daemon, 'NameNode,name=NameNodeStatus'))?.State !== undefined,
  jn: (_, daemon) => accepts(daemon.rpc),
  dn: async (state, daemon) => {
    const { BPServiceActorInfo } = await bean(state, daemon, 'DataNode,name=DataNodeInfo');
    const registered = ({ ActorState, LastHeartbeat }) => ActorState === 'RUNNING' && Number(LastHeartbeat) <= 2;
    return JSON.parse(BPServiceActorInfo).some(registered);
  },
  httpfs: async (state, daemon) => (await exchange(state, daemon, '/webhdfs/v1/?op=GETHOMEDIRECTORY')).status > 0,
};

/**
 * Waits until `isTrue` says so; what it throws means not yet.
 * @throws after 120 s, or as soon as one of the daemons has ended, with the end of its log
 */
async function until(state, what, ids, isTrue) {
  for (const end = Date.now() + 120_000; ; await sleep(50)) {
    if (await Promise.resolve(isTrue()).catch(() => false)) return;
    const dead = ids.find((id) => pidOf(state.dir, id) === undefined);
    if (dead === undefined && Date.now() < end) continue;
    const id = dead ?? ids[0];
    const log = readFileSync(logFile(state.dir, id), 'utf8').trimEnd().split('\n').slice(-15).join('\n');
    throw new Error(`${what}: ${dead ? `${dead} has ended` : 'still not after 120 s'}. The end of its log:\n${log}`);
  }
}

/** Waits until a daemon serves. A DataNode does once it has registered with a NameNode. */
export function untilUp(state, kind, daemon) {
  return until(state, `${daemon.id} starts`, [daemon.id], () => IS_UP[kind](state, daemon));
}

/** Waits until the first NameNode is out of safe mode and knows all DataNodes. */
export function untilOperational(state) {
  const ids = [...state.nn, ...state.dn].map(({ id }) => id);
  return until(state, 'the cluster becomes operational', ids, async () => {
    const { NumLiveDataNodes, FSState } = await bean(state, state.nn[0], 'NameNode,name=FSNamesystemState');
    return NumLiveDataNodes >= state.dn.length && FSState === 'Operational';
  });
}
