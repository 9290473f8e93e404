#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// gen.test - every command has an example, a manual page and completion, and these say what the program
// itself says; and the generator refuses a table that is not one.
// usage: gen.test.js PATH-OF-GEN PATH-OF-COMMANDS.def PATH-OF-KEEVE
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const [gen, table, keeve] = process.argv.slice(2).map(file => path.resolve(file));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keeve-gen-'));
let failures = 0;

function check(what, good, found) {
    if (good) return;
    failures += 1;
    console.log(`not as expected: ${what}${found === undefined ? '' : `\n  found ${found}`}`);
}
function run(program, args, options) {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
    if (error) throw error;
    return { status, stdout, stderr };
}
const has = program => run('sh', ['-c', `command -v ${program}`]).status === 0;
const plain = page => page.replace(/\\-/g, '-').replace(/\\&/g, '').replace(/\\e/g, '\\');

// What the program says of itself.
const help = run(keeve, ['--help']).stdout;
const names = [...help.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)].map(match => match[1]);
check('there are commands', names.length > 25, names.length);
check('gen names', run(gen, ['names', table]).stdout.trim().split('\n').join() === names.join());

// ---- pages ----

check('gen man', run(gen, ['man', table, '1.2.3', dir]).status === 0);
const main = plain(fs.readFileSync(path.join(dir, 'keeve.1'), 'utf8'));
for (const name of names) {
    const text = run(keeve, [name, '--help']).stdout;
    const [, summary] = /^keeve \S+ - (.*)\n/.exec(text);
    const [, synopsis] = /^usage: keeve (.*)\n/m.exec(text);
    const [, example] = /^example:\n([^]*)$/m.exec(text);
    check(`${name} has an example of itself`, example.split('\n').some(line =>
        line.startsWith(`$ keeve ${name}`) || / keeve .*--home/.test(line) || line.includes(` ${name} `)), example);
    const file = path.join(dir, `keeve-${name}.1`);
    const page = plain(fs.readFileSync(file, 'utf8'));
    check(`page of ${name}: title`, page.startsWith(`.TH KEEVE-${name.toUpperCase()} 1 "" "keeve 1.2.3"`), page);
    check(`page of ${name}: summary`, page.includes(`keeve-${name} - ${summary}\n`));
    check(`page of ${name}: synopsis`, page.includes(`.B keeve ${synopsis.replace(' ', '\n')}`), synopsis);
    check(`page of ${name}: example`, page.includes(`.nf\n${example}.fi\n`), page);
    check(`keeve(1) names ${name}`, main.includes(`.BR keeve-${name} (1)\n${summary}\n`));
    if (has('groff')) {
        const said = run('groff', ['-man', '-ww', '-z', file]);
        check(`page of ${name}: groff`, said.status === 0 && said.stderr === '', said.stderr);
    }
}

// ---- bash, as bash runs it, with a program that knows some names ----

const script = path.join(dir, 'keeve.bash');
fs.writeFileSync(script, run(gen, ['bash', table]).stdout);
const stand = `
keeve() {
    [ "$1" != --home ] || { printf '{"vat":"v70","kref":"ko70"}\\n'; return; }
    case $1 in
    vats) printf '{"vat":"v1","root":"ko1"}\\n{"vat":"v22"}\\n' ;;
    objects) printf '{"kref":"ko1","owner":"v1"}\\n{"kref":"ko12"}\\n' ;;
    subclusters) printf '{"subcluster":"s1"}\\n' ;;
    esac
}
complete() { :; }
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keeve
printf '%s\\n' "\${COMPREPLY[@]}"`;
const complete = (...words) =>
    run('bash', ['-c', stand, 'bash', script, 'keeve', ...words], { cwd: dir }).stdout.trim().split('\n');

check('bash: all commands', names.every(name => complete('').includes(name)));
check('bash: some', complete('unp').join() === 'unpin', complete('unp').join());
check('bash: after an option', complete('--json', 'unp').join() === 'unpin');
check('bash: vats', complete('clist', '').join() === 'v1,v22', complete('clist', '').join());
check('bash: objects', complete('send', 'ko1').join() === 'ko1,ko12');
check('bash: no second object', complete('send', 'ko1', '').join() === '');
check('bash: vats and subclusters', complete('terminate', '').join() === 'v1,v22,s1');
check('bash: of the home', complete('--home', '/x', 'clist', '').join() === 'v70');
check('bash: of the home, with =', complete('--home', '=', '/x', 'clist', '').join() === 'v70');
check('bash: values', complete('start', '--durability', 'n').join() === 'normal');
check('bash: an option\'s vats', complete('describe', 'o+1', '--vat', 'v2').join() === 'v22');
check('bash: files', complete('import', 'keeve.b').join() === 'keeve.bash');

// ---- zsh ----

const zsh = run(gen, ['zsh', table]).stdout;
check('zsh: its first line', zsh.startsWith('#compdef keeve\n'));
for (const name of names) {
    const text = run(keeve, [name, '--help']).stdout;
    check(`zsh: ${name}`, zsh.includes(`\n        '${name}:`));
    for (const [option] of /^usage: (.*)/m.exec(text)[1].matchAll(/--[a-z-]+/g)) {
        check(`bash: ${name} ${option}`, complete(name, option.slice(0, 4)).includes(option));
        check(`zsh: ${name} ${option}`, zsh.includes(`'${option}[`));
    }
}
if (has('zsh')) {
    fs.writeFileSync(path.join(dir, '_keeve'), zsh);
    const said = run('zsh', ['-n', path.join(dir, '_keeve')]);
    check('zsh -n', said.status === 0 && said.stderr === '', said.stderr);
}

// ---- what is no table ----

for (const [text, expected] of [
    ['KEE_COMMAND("a", f, "", "b", "c")', /a has 5 fields, expected 6/],
    ['KEE_COMMAND("a", f, "", "b", "c", "d\n")', /:1: expected a string/],
]) {
    fs.writeFileSync(path.join(dir, 'bad.def'), text);
    const said = run(gen, ['names', path.join(dir, 'bad.def')]);
    check(`refused: ${text}`, said.status !== 0 && expected.test(said.stderr), said.stderr);
}

fs.rmSync(dir, { recursive: true, force: true });
console.log(failures === 0 ? 'all good' : `${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
