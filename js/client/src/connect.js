// SPDX-License-Identifier: Apache-2.0
// connect - a session with a kernel. It lives as long as its carrier: at the end everything that waits
// rejects with [KERNEL:CONNECTION_LOST], and coming back is the caller's to do, with a session of its own.
import harden from '@endo/harden';
import { openCarrier } from '#carrier';
import { readAddress, shownAddress } from './address.js';
import { makeBackgroundCapTP } from './background.js';
import { connectionLost } from './failures.js';

const readText = text => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A session over a carrier that is open. */
const makeSession = (carrier, shown, options) => {
  let end;
  const closed = new Promise(resolve => {
    end = resolve;
  });
  let over = false;

  const background = makeBackgroundCapTP({
    ...options,
    send: message => {
      carrier.send(JSON.stringify(message));
      if (message.type === 'CTP_DISCONNECT') {
        // Ours, or the echo of theirs: nothing follows.
        over = true;
        carrier.close();
      }
    },
  });
  const finish = reason => {
    background.abort(reason);
    end(reason);
  };

  carrier.attend({
    text: text => {
      const message = readText(text);
      if (message === undefined) {
        finish(connectionLost(`${shown} sent what is no JSON`));
        return;
      }
      if (message?.type === 'CTP_DISCONNECT' && !over) {
        end(connectionLost(`${shown} ended the session: ${message.reason ?? 'no reason given'}`));
      }
      background.dispatch(message);
    },
    ended: why => finish(connectionLost(`${shown}: ${why}`)),
  });
  return { background, closed, finish };
};

/**
 * Connects, and waits for the kernel's first object.
 *
 * @param {string | URL} url what `keeve url` prints, or the path of a socket
 * @param {import('../index.d.ts').ConnectOptions} [options]
 * @returns {Promise<import('../index.d.ts').Connection>}
 */
export const connect = async (url, options = {}) => {
  const address = readAddress(url);
  const shown = shownAddress(address);
  const { background, closed, finish } = makeSession(
    await (options.openCarrier ?? openCarrier)(address),
    shown,
    options,
  );
  const kernel = await background.getKernel();
  const { dispatch, abort, ...rest } = background;
  return harden({
    ...rest,
    kernel,
    getBootstrap: rest.getKernel,
    /** Settles, with the reason, once the session is over; never rejects. */
    closed,
    close: (reason = connectionLost(`the connection to ${shown} was closed here`)) => {
      finish(reason);
      return closed;
    },
  });
};
