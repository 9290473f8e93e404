// SPDX-License-Identifier: Apache-2.0
// url_entry - what powers.js takes of npm's whatwg-url.
export { URL, URLSearchParams } from 'whatwg-url';
