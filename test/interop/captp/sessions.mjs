// SPDX-License-Identifier: Apache-2.0
// sessions - what sits on a carrier: npm's CapTP, as its users have it, or messages written by hand.
import { makeCapTP } from './npm.mjs';

const PATIENCE_MS = Number(process.env.PATIENCE_MS) || 60_000;
export const sleep = ms => new Promise(done => setTimeout(done, ms));

export class Failure extends Error {}
export const check = (condition, text) => {
  if (!condition) {
    throw new Failure(text);
  }
};

export const within = (promise, what, patience = PATIENCE_MS) => {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Failure(`waited ${patience} ms in vain for ${what}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export const until = async (ask, what, patience = PATIENCE_MS) => {
  const end = Date.now() + patience;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    check(Date.now() < end, `waited ${patience} ms in vain for ${what}`);
    await sleep(pause);
  }
};

export const rejected = async (promise, what = 'a call') => {
  let value;
  try {
    value = await within(promise, `${what} to be rejected`);
  } catch (reason) {
    if (reason instanceof Failure) {
      throw reason;
    }
    return reason;
  }
  throw new Failure(`${what} was to be rejected, it gave ${String(value)}`);
};

// npm's @endo/captp on a carrier. faults: what it found wrong with what came.
export const openPeer = (carrier, bootstrap = undefined, options = {}) => {
  const peer = { carrier, faults: [], heard: [], said: [] };
  const captp = makeCapTP(
    'peer',
    message => {
      const text = JSON.stringify(message);
      peer.log && peer.said.push(JSON.parse(text));
      carrier.send(text);
    },
    bootstrap,
    { gcImports: true, onReject: reason => peer.faults.push(reason), ...options },
  );
  carrier.onText = text => {
    const message = JSON.parse(text);
    peer.log && peer.heard.push(message);
    captp.dispatch(message);
  };
  // The library knows no carriers: its owner says when one is gone.
  void carrier.over.then(() => captp.abort(Error('the connection is gone')));
  return Object.assign(peer, { captp, getBootstrap: () => captp.getBootstrap() });
};

const flip = slot => `${slot[0]}${slot[1] === '+' ? '-' : '+'}${slot.slice(2)}`;

// Messages by hand. What came is in heard, in order; slots in it are as the other side wrote them.
export const openRaw = carrier => {
  const heard = [];
  const waits = new Set();
  let questions = 0;
  carrier.onText = text => {
    heard.push(JSON.parse(text));
    [...waits].forEach(look => look());
  };
  const raw = {
    carrier,
    heard,
    send: message => carrier.send(typeof message === 'string' ? message : JSON.stringify(message)),
    // The first message that fits, which may be there already; the carrier's end ends the wait.
    hear: (fits, what) =>
      within(
        new Promise((done, fail) => {
          const look = () => {
            const found = heard.find(fits);
            if (found) {
              waits.delete(look);
              done(found);
            }
          };
          waits.add(look);
          look();
          void carrier.over.then(() => fail(Error(`the connection ended before ${what}`)));
        }),
        what,
      ),
    question: () => `q-${(questions += 1)}`,
    returned: id => raw.hear(m => m.type === 'CTP_RETURN' && m.answerID === id, `an answer to ${id}`),
    // Sends the call; gives the id of the question.
    ask: (target, methargs, slots = [], more = {}) => {
      const questionID = raw.question();
      const body = typeof methargs === 'string' ? methargs : JSON.stringify(methargs);
      raw.send({ type: 'CTP_CALL', epoch: 0, questionID, target, method: { body, slots }, ...more });
      return questionID;
    },
    call: async (...args) => raw.returned(raw.ask(...args)),
    // The one object that the other side starts with, as we have to name it.
    bootstrap: async () => {
      const questionID = raw.question();
      raw.send({ type: 'CTP_BOOTSTRAP', epoch: 0, questionID });
      const { result } = await raw.returned(questionID);
      return flip(result.slots[0]);
    },
  };
  return raw;
};

export { flip };

export const slotValue = (index, iface) => ({ '@qclass': 'slot', ...(iface && { iface }), index });
// Data of an answer that holds no references.
export const dataOf = answer => {
  check(answer.result, `a result was expected, found ${JSON.stringify(answer)}`);
  return JSON.parse(answer.result.body);
};
