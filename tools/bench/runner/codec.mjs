/** Runs codec/race.mjs for one codec in a process of its own and reads its one line. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const RACE = fileURLToPath(new URL('../codec/race.mjs', import.meta.url))

export async function raceCodec({ module }, { windowMs, longestMs }) {
  const { stdout } = await promisify(execFile)(process.execPath, [RACE, module, String(windowMs)], {
    timeout: longestMs,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return JSON.parse(stdout)
}
