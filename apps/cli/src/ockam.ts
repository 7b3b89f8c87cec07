#!/usr/bin/env node
/** The file that runs when `ockam` is typed. It answers the commonest question itself; everything else is loaded when it is needed. */

import packageJson from '../package.json' with { type: 'json' }

const { version } = packageJson
const [first, ...others] = process.argv.slice(2)
if ((first === '--version' || first === '-V') && others.length === 0) {
  process.stdout.on('error', () => undefined).write(`ockam ${version}\n`)
} else {
  const [{ main }, { watchOutput }] = await Promise.all([import('./program/main.ts'), import('./program/output.ts')])
  process.exitCode = await main(process.argv.slice(2), version, watchOutput(process))
}
