// SPDX-License-Identifier: Apache-2.0
// replay - the transcript npm's liveslots gives for a scenario of messages and notifications.
// usage: node replay.js SCENARIO TRANSCRIPT
import { makeOracle } from './oracle.mjs';
import { readFileSync, writeFileSync } from 'node:fs';

const [scenarioPath, transcriptPath] = process.argv.slice(2);
const scenario = readFileSync(scenarioPath, 'utf8');
const cut = scenario.indexOf('\n---\n');
const transcript = [];
const oracle = makeOracle(scenario.slice(0, cut), (line) => transcript.push(line));
await oracle.start();
for (const line of scenario.slice(cut + 5).split('\n').slice(0, -1)) {
  await oracle.deliver(line);
}
writeFileSync(transcriptPath, `${transcript.join('\n')}\n`);
process.exit(0);
