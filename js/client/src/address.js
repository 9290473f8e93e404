// SPDX-License-Identifier: Apache-2.0
// address - where a kernel listens, as `keeve url` prints it.
//
//   unix:/srv/keeve/captp.sock    or the path alone
//   tcp://host:port/SECRET
//   ws://host:port/captp/SECRET        wss: behind a proxy that has a certificate

const SHAPES = 'unix:PATH, tcp://HOST:PORT/SECRET or ws://HOST:PORT/captp/SECRET';

/** An address without its secret, for errors. */
export const shownAddress = ({ kind, path, host, port, url }) => {
  switch (kind) {
    case 'unix':
      return `unix:${path}`;
    case 'tcp':
      return `tcp://${host}:${port}`;
    default:
      return `${new URL(url).protocol}//${new URL(url).host}`;
  }
};

/**
 * @param {string | URL} address
 */
export const readAddress = address => {
  const text = String(address);
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '') {
      throw TypeError(`no path in ${text}`);
    }
    return { kind: 'unix', path };
  }
  if (!/^[a-z]+:\/\//.test(text)) {
    if (text === '') {
      throw TypeError(`no address; it looks like ${SHAPES}`);
    }
    return { kind: 'unix', path: text };
  }
  const url = new URL(text.startsWith('tcp:') ? text.replace('tcp:', 'http:') : text);
  if (text.startsWith('tcp:')) {
    const secret = decodeURIComponent(url.hash.slice(1) || url.pathname.slice(1));
    const port = Number(/^tcp:\/\/(?:\[[^\]]*\]|[^:/#]*):(\d+)/.exec(text)?.[1]);
    if (!port || secret === '') {
      throw TypeError(`not a whole address: ${shownText(text)}; it looks like tcp://HOST:PORT/SECRET`);
    }
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port, secret };
  }
  if (url.protocol === 'ws:' || url.protocol === 'wss:') {
    return { kind: 'ws', url: text };
  }
  throw TypeError(`unknown kind of address ${url.protocol}//; it looks like ${SHAPES}`);
};

/** Text that may hold a secret, cut before it. */
function shownText(text) {
  return text.replace(/^([a-z]+:\/\/[^/#]*).*$/, '$1/...');
}
