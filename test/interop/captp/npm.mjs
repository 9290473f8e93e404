// SPDX-License-Identifier: Apache-2.0
// npm - the packages of test/npm, unmodified, in a hardened realm; and gc(), which collects at once.
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const require = createRequire(fileURLToPath(new URL('../../npm/package.json', import.meta.url)));
const load = name => import(pathToFileURL(require.resolve(name)).href);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

await load('ses');
// eslint-disable-next-line no-undef
lockdown({ errorTaming: 'unsafe', consoleTaming: 'unsafe', stackFiltering: 'verbose' });
await load('@endo/eventual-send/shim.js');
// The packages print every error they send.
const { log } = console;
console.log = (...words) => (/^Temporary logging/.test(words[0]) ? undefined : log(...words));

export const { E } = await load('@endo/eventual-send');
export const { Far, makeTagged, getTag, passStyleOf } = await load('@endo/pass-style');
export const { makeCapTP } = await load('@endo/captp');
export const { WebSocket, WebSocketServer } = await load('ws').then(ws => ({
  WebSocket: ws.WebSocket || ws.default,
  WebSocketServer: ws.WebSocketServer || ws.default.WebSocketServer,
}));

// Finalizers run in turns of their own, and what they say needs turns to be heard.
export const gc = async () => {
  for (let i = 0; i < 4; i += 1) {
    collect();
    await new Promise(done => setTimeout(done, 5));
  }
};
