// SPDX-License-Identifier: Apache-2.0
// Sends over several vats in one crank (W3), pipelines (W7), and gives many objects away (W8).
import { E, Far } from '@endo/far';

export const buildRootObject = () => {
  let peers = [];
  return Far('fan', {
    bootstrap: vats => {
      peers = Object.keys(vats).filter(name => name.startsWith('server')).map(name => vats[name]);
      return vats;
    },
    fanout: async n => {
      const answers = [];
      for (let i = 0; i < n; i += 1) answers.push(E(peers[i % peers.length]).ping(i));
      return (await Promise.all(answers)).length;
    },
    chain: async (times, depth) => {
      for (let i = 0; i < times; i += 1) {
        let p = peers[0];
        for (let d = 0; d < depth; d += 1) p = E(p).a();
        await p;
      }
      return times;
    },
    give: async n => {
      const batch = Array.from({ length: n }, (_, i) => Far('thing', { id: () => i }));
      return E(peers[0]).hold(batch);
    },
    dropAll: () => E(peers[0]).drop(),
  });
};
