#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// grants - hosts that have one object of the kernel, over restarts, and until it is taken back.
// usage: grants.mjs PATH-OF-KEEVE PATH-OF-KEEVE-VAT
import { connect, E, Far } from './captp.mjs';

import fs from 'node:fs';
import { join } from 'node:path';

import { base, check, failed, finish, home, rows, run, sleep } from './lib.mjs';

fs.writeFileSync(join(base, 'shop.js'), `
import { E, Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const handle = baggage.has('kind') ? baggage.get('kind') : VatData.makeKindHandle('shop');
  if (!baggage.has('kind')) baggage.init('kind', handle);
  const makeShop = VatData.defineDurableKind(handle, () => ({ sold: 0 }), {
    buy: ({ state }) => (state.sold += 1),
    wait: () => new Promise(() => {}),
    same: (_context, it) => it,
  });
  return Far('root', { bootstrap: () => makeShop() });
};`);
fs.writeFileSync(join(base, 'cluster.json'),
  JSON.stringify({ bootstrap: 'shop', vats: { shop: { sourceSpec: 'shop.js' } } }));

const door = join(home, 'grants', 'shop.sock');
const kill9 = async () => {
  process.kill(Number(fs.readFileSync(join(home, 'daemon.pid'), 'utf8')), 'SIGKILL');
  check('start after kill -9', (await run(['start'])).code, 0);
};
const secretIn = text => /secret|\/([A-Za-z0-9_-]{43})$/.exec(text)?.[1];
const rejects = promise => promise.then(value => `gave ${value}`, error => `${error.name}: ${error.message}`);
let shop;
let secret;

const tests = {
  async 'granting'() {
    check('start', (await run(['start', '--tcp', '127.0.0.1:0'])).code, 0);
    check('launch', (await run(['launch', join(base, 'cluster.json')])).code, 0);
    shop = (await rows('objects')).map(({ kref }) => kref).filter(kref => kref !== 'ko1').pop();
    check('none', (await rows('grants')).length, 0);
    const urls = await rows('grant', shop, '--name', 'shop');
    check('doors', urls.map(({ door: kind }) => kind).sort().join(), 'tcp,unix');
    secret = secretIn(urls.find(row => row.door === 'tcp').url);
    check('a secret of its own', secret?.length, 43);
    check('which is not the owner\'s', secretIn((await rows('url')).find(row => row.door === 'tcp').url) === secret, false);
    check('its socket', (fs.statSync(door).mode & 0o777).toString(8), '600');
    check('grants', JSON.stringify(await rows('grants')), JSON.stringify([{ grant: 'shop', kref: shop }]));
    check('again', (await run(['grant', shop, '--name', 'shop'])).err,
      'keeve: there is a grant shop already; keeve revoke-grant takes it back');
    check('no name', (await run(['grant', shop])).err, /expected --name with the name/);
    check('no kref', (await run(['grant', 'v1', '--name', 'x'])).err, /expected a reference such as ko4, found "v1"/);
    check('no object', (await run(['grant', 'kp1', '--name', 'x'])).err, /expected an object such as ko4, found "kp1"/);
    check('no such object', (await run(['grant', 'ko99', '--name', 'x'])).err, 'keeve: there is no ko99');
    check('a name that leads elsewhere', (await run(['grant', shop, '--name', '../x'])).err, /the name of a grant: expected letters/);
    check('nothing of it stays', (await rows('grants')).length, 1);
  },

  async 'who comes by it has the object and nothing else'() {
    const host = await connect(door);
    check('buy', await E(host.bootstrap).buy(), 1);
    check('no kernel', await rejects(E(host.bootstrap).getStatus()), /TypeError: target has no method "getStatus"/);
    const mine = Far('mine', {});
    check('its own object comes back', (await E(host.bootstrap).same(mine)) === mine, true);
    check('text stays text', await E(host.bootstrap).same('ko1'), 'ko1');
    host.close();
    const { port } = new URL((await rows('url', 'shop')).find(row => row.door === 'tcp').url.replace('tcp:', 'http:'));
    const far = await connect({ host: '127.0.0.1', port }, { first: secret });
    check('over the network', await E(far.bootstrap).buy(), 2);
    far.close();
    const wrong = await connect({ host: '127.0.0.1', port }, { first: secret.replace(/^./, c => (c === 'A' ? 'B' : 'A')) });
    check('with another secret', await rejects(E(wrong.bootstrap).buy()), /./);
    await wrong.ended;
  },

  async 'it outlives kill -9'() {
    await kill9();
    check('grants', JSON.stringify(await rows('grants')), JSON.stringify([{ grant: 'shop', kref: shop }]));
    const host = await connect(door);
    check('buy', await E(host.bootstrap).buy(), 3);
    host.close();
    check('audit', (await run(['audit'])).code, 0);
  },

  async 'it holds its object'() {
    await run(['restart-vat', 'v1']);
    check('gc', (await run(['gc'])).code, 0);
    check('a second name', (await run(['grant', shop, '--name', 'stall'])).code, 0);
    check('who holds it', (await rows('who-holds', shop)).filter(row => row.how === 'service').map(row => row.as).join(),
      'grant:shop,grant:stall');
    check('audit', (await run(['audit'])).code, 0);
    await rows('revoke-grant', 'stall');
    check('who holds it', (await rows('who-holds', shop)).some(row => Object.values(row).includes('grant:shop')), true);
    const host = await connect(door);
    check('buy', await E(host.bootstrap).buy(), 4);
    host.close();
  },

  async 'taken back, it ends who came by it at once'() {
    await rows('pin', shop);
    const host = await connect(door);
    check('buy', await E(host.bootstrap).buy(), 5);
    const waiting = rejects(E(host.bootstrap).wait());
    await sleep(50);
    check('revoke-grant', (await run(['revoke-grant', 'shop'])).code, 0);
    await host.ended;
    check('what waited', await waiting, /./);
    check('its door', fs.existsSync(door), false);
    check('its secret', fs.existsSync(join(home, 'secrets', 'grant-shop')), false);
    check('no sessions', (await rows('sessions')).length, 0);
    check('grants', (await rows('grants')).length, 0);
    check('again', (await run(['revoke-grant', 'shop'])).err, 'keeve: there is no grant shop; keeve grants lists them');
    check('the object is as it was', (await run(['send', shop, 'buy'])).out, '6');
    check('granted anew', (await run(['grant', shop, '--name', 'shop'])).code, 0);
    const anew = await connect(door);
    check('buy', await E(anew.bootstrap).buy(), 7);
    anew.close();
    await kill9();
    check('revoke-grant', (await run(['revoke-grant', 'shop'])).code, 0);
    await kill9();
    check('after a restart', (await rows('grants')).length, 0);
    check('no door', fs.existsSync(door), false);
    check('stop', (await run(['stop'])).code, 0);
  },
};

for (const [name, test] of Object.entries(tests)) {
  const before = failed();
  await test();
  console.log(`${failed() > before ? 'not ok' : 'ok'} ${name}`);
}
finish();
