/**
 * The whole example in one terminal: three programs with their own stores, a stranger who is refused, a restart. Ends by itself in about ten
 * seconds; `--keep` leaves relay and service running.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from './program.ts'

const isKept = process.argv.includes('--keep')
const folder = await mkdtemp(join(tmpdir(), 'ockam-example-'))
const state = (name: string): string => join(folder, name)
const running: Program[] = []

const say = (text: string): void => console.log(`\n${text}`)

async function identify(name: string): Promise<string> {
  const program = new Program('identity', undefined, {}, [state(name)])
  await program.exited()
  const identifier = program.lines[0]
  if (identifier === undefined || !identifier.startsWith('I')) throw new Error(`No identity for ${name}: ${program.lines.join(' ')}`)
  return identifier
}

function start(file: string, environment: Record<string, string>): Program {
  const program = new Program(file, file, environment)
  running.push(program)
  return program
}

/** Resolves when the demo is told to end, from its first moment on: nothing may be left behind. */
const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'))
  // Nobody reads any more, as behind `| head`.
  process.stdout.on('error', () => resolve('interrupted'))
})

async function tell(): Promise<void> {
  say('Three programs get an identity each; the keys stay in their own folders.')
  const service = await identify('service')
  const device = await identify('device')
  const relayIdentifier = await identify('relay')
  console.log(`service  ${service}\ndevice   ${device}\nrelay    ${relayIdentifier}`)

  say('The relay listens. It has no keys but its own, which take no part in what it passes on, and knows nobody.')
  const relayProgram = start('relay', { LISTEN: '/ip4/127.0.0.1/tcp/0', STATE: state('relay') })
  const relay = (await relayProgram.line('listens on')).split(' ').at(-1) ?? ''

  say('The service cannot be dialled: it registers with the relay, and will talk to this device only.')
  const serviceEnvironment = { RELAY: relay, DEVICE: device, STATE: state('service') }
  const firstService = start('service', serviceEnvironment)
  await firstService.line('reachable at')

  say('The device opens a secure channel to the service, through the relay, and sends readings of this machine.')
  const deviceEnvironment = { RELAY: relay, SERVICE: service, STATE: state('device') }
  const firstRun = start('device', { ...deviceEnvironment, COUNT: '5' })
  if ((await firstRun.exited()) !== 0) throw new Error('The device failed.')

  say('A stranger with an identity of its own tries the same. The service does not answer strangers at all.')
  const stranger = new Program('device', 'stranger', {
    RELAY: relay,
    SERVICE: service,
    STATE: state('stranger'),
    COUNT: '1',
    TIMEOUT_MS: '1500',
  })
  running.push(stranger)
  await firstService.line('without a word')
  if ((await stranger.exited()) === 0) throw new Error('The stranger was let in!')

  say('The service is restarted. It is still the same identity.')
  await firstService.stop()
  const secondService = start('service', serviceEnvironment)
  const identifiers = [firstService, secondService].map(async (program) => (await program.line('reachable at')).split(/[ ,]/)[1])
  const [before, after] = await Promise.all(identifiers)
  if (before !== after || after !== service) throw new Error('The service changed its identity.')
  const secondRun = start('device', { ...deviceEnvironment, COUNT: '2' })
  if ((await secondRun.exited()) !== 0) throw new Error('The device failed after the restart.')

  const seen = relayProgram.lines.filter((line) => line.startsWith('sees'))
  const readings = [firstRun, secondRun].flatMap((program) => program.lines.filter((line) => line.startsWith('was told')))
  say('Summary')
  console.log(`- ${readings.length} readings were sent, each sealed on the device and opened by the service.`)
  console.log(`- The relay passed on ${seen.length} messages: it saw addresses, sizes and times, and ciphertext. No reading, no identity.`)
  console.log('- A stranger was refused, without a word.')
  console.log('- The service kept its identifier over a restart.')

  if (isKept) {
    say(`Relay and service stay up until you press Ctrl-C. A device for another terminal:`)
    console.log(`RELAY=${relay} SERVICE=${service} STATE=${state('device')} node apps/examples/sensor-behind-relay/dist/device.js`)
    await interrupted
  }
}

try {
  const ending = await Promise.race([tell(), interrupted])
  if (ending === 'interrupted' && !isKept) process.exitCode = 130
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  // The relay last, so that nobody reports that it is gone.
  for (const program of running.reverse()) await program.stop()
  await rm(folder, { recursive: true, force: true })
}
