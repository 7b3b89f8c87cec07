/**
 * Executes every transcript against the built command, each with a state folder of its own. `OCKAM_TRANSCRIPT=record` writes the answers of this run
 * into the files instead of comparing them: read what changed before you keep it.
 */

import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { commandHome, type Finished } from './terminal/built-command.ts'
import { Placeholders } from './terminal/placeholder.ts'
import { formatTranscript, readTranscripts, type Step, type Transcript, TRANSCRIPTS } from './terminal/transcript.ts'

const IS_RECORDING = process.env['OCKAM_TRANSCRIPT'] === 'record'
const TIMEOUT_MS = 300_000

/** What transcripts find on the network: a service that answers in capitals, and a web server with a configuration. */
const upper = createServer((socket) => socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase())).on('error', () => undefined))
const web = createHttpServer((request, response) => {
  if (request.url === '/node.yaml') response.end('{ name: fetched, tcp-outlet: { to: $PORT } }')
  else response.writeHead(404).end()
})

const portOf = (server: Server): string => String((server.address() as AddressInfo).port)

beforeAll(async () => {
  await Promise.all([upper, web].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
})
afterAll(async () => {
  web.closeAllConnections()
  await Promise.all([upper, web].map((server) => new Promise((resolve) => server.close(resolve))))
})

describe('a terminal shows what the transcript says', () => {
  test.concurrent.for(readTranscripts())('$file: $title', { timeout: TIMEOUT_MS }, async (transcript) => {
    const steps = await execute(transcript)
    if (IS_RECORDING) writeFileSync(new URL(transcript.file, TRANSCRIPTS), formatTranscript({ ...transcript, steps }))
  })
})

async function execute({ file, steps }: Transcript): Promise<readonly Step[]> {
  const { home, folder, run, close } = await commandHome()
  const placeholders = new Placeholders({
    home,
    folder,
    version: packageJson.version,
    'identifier:none': `I${'0'.repeat(64)}`,
    'port:upper': portOf(upper),
    'port:web': portOf(web),
  })
  const recorded: Step[] = []
  try {
    for (const [index, step] of steps.entries()) {
      if (IS_RECORDING && !isPossible(step, placeholders)) return [...recorded, ...steps.slice(index)]
      const actual = visible(await run(placeholders.filled(step.input)))
      const place = `${file}: $ ${step.input}`
      if (IS_RECORDING && !asExpected(step, actual, placeholders)) {
        const [stdout, stderr] = [placeholders.abstracted(actual.stdout), placeholders.abstracted(actual.stderr)]
        recorded.push({ ...step, stdout, stderr, code: actual.code })
        continue
      }
      recorded.push(step)
      if (IS_RECORDING) continue
      // Where placeholders do not fit, the difference is shown as text.
      if (!placeholders.match(step.stdout, actual.stdout)) expect(actual.stdout, `${place} (stderr: ${actual.stderr})`).toBe(step.stdout)
      if (!placeholders.match(step.stderr, actual.stderr)) expect(actual.stderr, place).toBe(step.stderr)
      expect(actual.code, place).toBe(step.code)
    }
  } finally {
    await close()
  }
  return recorded
}

/** Spaces and tabs at the ends of lines cannot be seen, and editors take them away. */
function visible({ stdout, stderr, code }: Finished): Finished {
  const ends = /[ \t]+$/gm
  return { stdout: stdout.replaceAll(ends, ''), stderr: stderr.replaceAll(ends, ''), code }
}

function isPossible(step: Step, placeholders: Placeholders): boolean {
  try {
    placeholders.filled(step.input)
    return true
  } catch (error) {
    console.error(`${step.input}: ${String(error)}`)
    return false
  }
}

const asExpected = (step: Step, actual: Finished, placeholders: Placeholders): boolean =>
  placeholders.match(step.stdout, actual.stdout) && placeholders.match(step.stderr, actual.stderr) && step.code === actual.code
