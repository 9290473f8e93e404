// SPDX-License-Identifier: Apache-2.0
// kernel_utils - what vats import as @metamask/kernel-utils/exo.
import { makeExo } from '@endo/exo';
import { M } from '@endo/patterns';

/** An object whose methods take and give anything passable. */
export const makeDefaultExo = (
  name,
  methods,
  interfaceGuard = M.interface(name, {}, { defaultGuards: 'passable' }),
) => makeExo(name, interfaceGuard, methods);

/** The same, and it can tell about itself: everything by default, or the named methods. */
export const makeDiscoverableExo = (
  name,
  methods,
  schema,
  interfaceGuard = M.interface(name, {}, { defaultGuards: 'passable' }),
) =>
  makeExo(name, interfaceGuard, {
    ...methods,
    __getDescription__(...names) {
      if (names.length === 0) {
        return harden({ ...schema });
      }
      return harden(Object.fromEntries(names.map((method) => [method, schema[method]])));
    },
  });
