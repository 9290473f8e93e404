// SPDX-License-Identifier: Apache-2.0
// Shows that tools/layers notices each kind of wrong include.
'use strict';
const { run } = require('./sample.js');

const one = (file, include) => ({ [file]: `/* x */\n#include ${include}\n` });

run({
  'an empty tree is good': { files: { 'src/base/a.h': '' }, expect: null },
  'downhill is good': { files: { ...one('src/store/a.c', '"base/a.h"'), 'src/base/a.h': '' }, expect: null },
  'the same directory is good': { files: { ...one('src/base/b.c', '"a.h"'), 'src/base/a.h': '' }, expect: null },
  'a public header from anywhere is good': { files: one('src/base/b.c', '"keeve/version.h"'), expect: null },
  'the C library in a pure directory is good': { files: one('src/kernel/a.c', '<string.h>'), expect: null },
  'uphill': { files: one('src/base/a.c', '"store/store.h"'), expect: 'src/base/a.c:2: base may not use "store/store.h"' },
  'pure uses the world': { files: one('src/kernel/a.c', '"os/loop.h"'), expect: 'os stands below it' },
  'a system header in a pure directory': { files: one('src/kernel/a.c', '<unistd.h>'), expect: 'kernel is pure' },
  'a clock in a pure directory': { files: one('src/store/a.h', '<time.h>'), expect: 'store is pure' },
  'a sys header in a pure directory': { files: one('src/base/a.c', '<sys/types.h>'), expect: 'base is pure' },
  'spacing does not hide it': { files: { 'src/base/a.c': '  #  include   <pthread.h>\n' }, expect: 'base is pure' },
  'the engine outside the vat': { files: one('src/vathost/a.c', '"vat/engine/engine.h"'), expect: 'the engine lives in the worker' },
  'the engine in the daemon, though it stands above': { files: one('src/daemon/a.c', '"vat/liveslots/liveslots.h"'), expect: 'the engine lives in the worker' },
  'the vat reaches for the kernel': { files: one('src/vat/a.c', '"kernel/kernel.h"'), expect: 'vat may use' },
  'sqlite outside its store': { files: one('src/daemon/a.c', '<sqlite3.h>'), expect: '<sqlite3.h> belongs to store_sqlite' },
  'an unknown directory': { files: { 'src/stuff/a.c': '' }, expect: 'src/stuff has no place' },
  'a header found nowhere': { files: one('src/base/a.c', '"../secret.h"'), expect: 'neither beside this file' },
  'a public header with a private one': { files: one('include/keeve/a.h', '"base/bytes.h"'), expect: 'a public header' },
});
