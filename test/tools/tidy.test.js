// SPDX-License-Identifier: Apache-2.0
// Shows that tools/tidy notices each kind of offence, once each, and leaves good code alone.
'use strict';
const { run } = require('./sample.js');

const TAG = '/* SPDX-License-Identifier: Apache-2.0 */\n';
const HEAD = `${TAG}/* sample - a file for this test. */\n`;
// Written in pieces, so that the lint finds nothing in this file.
const slash = '/';
const todo = 'TO' + 'DO';

const inBase = (line) => ({ 'src/base/sample.c': `${HEAD}${line}\n` });
const call = (text) => inBase(`void f(void) { ${text}; }`);

run({
  'good code': {
    files: inBase([
      'static const int table[] = {1, 2};', 'static const char *const names[] = {"a"};',
      'static int helper(int x);', 'static inline void g(void) {}', 'static kee_visit_fn visit;',
      '/* strcpy(a, b) in a comment, and exit(1) */', 'const char *t = "sprintf(x)";',
      'void h(void) { on_exit_call(1); my_strcpy(a); _exit(0); }',
    ].join('\n')), expect: null,
  },
  'strcpy': { files: call('strcpy(a, b)'), expect: 'banned: strcpy' },
  'sprintf': { files: call('sprintf(a, "%d", 1)'), expect: 'banned: sprintf' },
  'strcat': { files: call('strcat (a, b)'), expect: 'banned: strcat' },
  'gets': { files: call('gets(a)'), expect: 'banned' },
  'atoi': { files: call('n = atoi(a)'), expect: 'banned: atoi' },
  'getenv': { files: call('p = getenv("A")'), expect: 'banned: getenv' },
  'getenv in the program itself is good': {
    files: { 'src/cli/main.c': `${HEAD}int main(void) { return getenv("HOME") == 0; }\n`, 'src/cli/meson.build': "x = files('main.c')\n", 'src/cli/README.md': 'x\n' }, expect: null,
  },
  'system': { files: call('system("ls")'), expect: 'banned: system' },
  'popen': { files: call('popen("ls", "r")'), expect: 'banned: popen' },
  'exit': { files: call('exit(1)'), expect: 'banned: exit' },
  'abort': { files: call('abort()'), expect: 'banned: abort' },
  'an allowed call with its reason is good': { files: inBase('void f(void) { exit(1); } /* tidy: allow banned (sample) */'), expect: null },
  'printing in a pure directory': { files: call('printf("hello")'), expect: 'print:' },
  'a mutable global': { files: inBase('static int counter;'), expect: 'global:' },
  'a mutable global with a value': { files: inBase('static struct x state = {1};'), expect: 'global:' },
  'a mutable pointer to constant text': { files: inBase('static const char *name = "a";'), expect: 'global:' },
  'a mutable static in a function': { files: inBase('void f(void)\n{\n    static unsigned calls = 0;\n}'), expect: 'global:' },
  'no tag': { files: { 'src/base/sample.c': '/* sample - no tag at all. */\nint x;\n' }, expect: 'spdx:' },
  'no tag on a script': { files: { 'tools/x': '#!/bin/sh\necho hello\n' }, expect: 'spdx:' },
  'no idea': { files: { 'src/base/sample.c': `${TAG}#include <stdio.h>\n` }, expect: 'idea:' },
  'the idea left to the own header is good': { files: { 'src/base/sample.c': `${TAG}#include "base/sample.h"\n` }, expect: null },
  'a blocking debt': { files: inBase(`/* ${todo}(now): finish */`), expect: 'todo:' },
  'a security debt': { files: inBase(`/* ${todo}(security): check */`), expect: 'todo:' },
  'a debt without a kind': { files: inBase(`/* ${todo}: finish */`), expect: 'todo:' },
  'a debt for some day is good': { files: inBase(`/* ${todo}(someday): faster */`), expect: null },
  'a path of a machine': { files: { 'docs/a.md': `see ${slash}root/notes\n` }, expect: 'path:' },
  'a registry': { files: { 'deps/a.json': `{"resolved":"https://registry.npm${'js'}.org/x"}\n` }, expect: 'registry:' },
  'a tab': { files: inBase('\tint x;'), expect: 'layout: a tab' },
  'a blank at the end': { files: { 'docs/a.md': 'text \n' }, expect: 'layout: blanks' },
  'no newline at the end': { files: { 'docs/a.md': 'text' }, expect: 'layout: no newline' },
  'a long line': { files: inBase(`/* ${'x'.repeat(120)} */`), expect: 'layout: more than' },
  'a long file': { files: inBase('int x;\n'.repeat(950).trim()), expect: 'long:' },
  'a file no build names': { files: { 'src/base/other.c': HEAD }, expect: 'dead:' },
  'a directory without a README': { files: { 'src/os/a.c': HEAD, 'src/os/meson.build': "x = files('a.c')\n" }, expect: 'readme:' },
}, { 'src/base/meson.build': "x = files('sample.c')\n", 'src/base/README.md': 'base\n' });
