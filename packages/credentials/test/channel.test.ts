/** Credentials in real channels between two of our nodes: shown in the handshake, renewed later, and refused where they must be. */

import { dropPressure, type LocalMessage, silentDiagnostics, systemClock } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { createSecureChannels, type SecureChannel, trustEveryone } from '@ockam/secure-channel'
import { memoryNetwork } from '@ockam/transport-memory'
import { afterEach, expect, test } from 'vitest'
import { policy } from '../src/abac/index.ts'
import { fixedCredential, renewedCredential } from '../src/index.ts'
import { forgeCredential } from './forgery.ts'
import { type NodeParts, START, TestClock, type World, world } from './node-parts.ts'
import { MovableClock } from './movable-clock.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

type Network = ReturnType<typeof memoryNetwork>

/** Channels judge by the world's clock. */
function channelsOf(name: string, network: Network, { vault, identities }: NodeParts, clock: TestClock) {
  const router = createRouter({
    transports: [network.transport(name)],
    clock: { ...systemClock, now: () => clock.now() },
    diagnostics: silentDiagnostics,
  })
  const channels = createSecureChannels({ router, vault, identities })
  closing.push(async () => {
    await channels.close({ timeoutMs: 200 })
    await router.close({ timeoutMs: 200 })
  })
  return { router, channels }
}

/** The verifier of the world listens and believes its authority; the subject can open channels to it. */
async function pair(there: World) {
  const network = memoryNetwork()
  const listening = channelsOf('verifier', network, there.verifier, there.clock)
  const opening = channelsOf('subject', network, there.subject, there.clock)
  const own = await there.verifier.identities.create()
  const authority = there.authority.identity.identifier
  const accepted: SecureChannel[] = []
  await listening.channels.createListener('api', {
    identity: own.identifier,
    trust: trustEveryone(),
    verifier: there.verifier.credentials.verifier({ authorities: [authority] }),
    onChannel: (channel) => void accepted.push(channel),
  })
  await listening.router.listen('/memory/verifier')
  const connection = await opening.router.connect('/memory/verifier')
  return {
    accepted,
    listening: listening.router,
    opening: opening.router,
    open: (credentials: ReturnType<typeof fixedCredential>, identity = there.subject.identity.identifier) =>
      opening.channels.createChannel([connection.address, 'api'], { identity, trust: trustEveryone(), credentials }),
    role: async (of = there.subject.identity.identifier) =>
      (await there.verifier.credentials.attributes.attributes(of, authority))?.text.get('role'),
  }
}

test('what an authority says is known at the other end once the channel is open, and what it says later once that is shown', async () => {
  const there = await world()
  const { open, role, accepted } = await pair(there)
  let current = 'sensor'
  const clock = new MovableClock()
  const source = renewedCredential(
    (subject) =>
      there.authority.credentials.issue({
        issuer: there.authority.identity.identifier,
        subject,
        attributes: { role: current },
        validForMs: 600_000,
      }),
    { clock },
  )
  const channel = await open(source)
  await expect.poll(() => accepted.length).toBe(1)
  expect(await role()).toBe('sensor')
  // The other end hears of it without a new channel.
  const shown = new Promise<void>((resolve) => source.onRenewal(() => resolve(channel.refreshCredentials())))
  current = 'reader'
  there.clock.seconds += 480
  await clock.move(480)
  await shown
  await expect.poll(role).toBe('reader')
  source.close()
})

test('a credential of somebody else opens the same channel and tells nothing', async () => {
  const there = await world()
  const { open, role, accepted } = await pair(there)
  const thief = await there.subject.identities.create()
  const stolen = await forgeCredential(there)
  // Our own source would not even show it.
  await open({ credentials: async () => [stolen] }, thief.identifier)
  await expect.poll(() => accepted.length).toBe(1)
  expect(await role(thief.identifier)).toBeUndefined()
  expect(await role()).toBeUndefined()
  expect(there.verifier.events).toEqual([
    {
      name: 'credentials/credential-refused',
      details: { peer: thief.identifier.toString(), code: 'credentials/wrong-subject', count: 1, leftOut: 0 },
    },
  ])
})

test('a credential outlives the rotation of its subject, whose new history comes with it', async () => {
  const there = await world()
  const { open, role, accepted } = await pair(there)
  const credential = await forgeCredential(there)
  await there.subject.identities.rotate(there.subject.identity.identifier)
  await open(fixedCredential(credential, new TestClock(START)))
  await expect.poll(() => accepted.length).toBe(1)
  expect(await role()).toBe('sensor')
})

test('a policy lets in by what was shown in the handshake, and from a refresh on by what was shown then', async () => {
  const there = await world()
  const { open, accepted, listening, opening } = await pair(there)
  const issue = (role: string): Promise<Uint8Array> =>
    there.authority.credentials.issue({
      issuer: there.authority.identity.identifier,
      subject: there.subject.identity.identifier,
      attributes: { role },
    })
  let shown = await issue('guest')
  const attributes = there.verifier.credentials.attributes.attestedBy(there.authority.identity.identifier)
  const got: string[] = []
  const collect =
    (name: string) =>
    ({ payload }: LocalMessage): void =>
      void got.push(`${name} ${new TextDecoder().decode(payload)}`)
  listening.startWorker('guests', collect('guests'), { incoming: policy('role=guest', { attributes }) })
  listening.startWorker('sensors', collect('sensors'), { incoming: policy('(= subject.role "sensor")', { attributes }) })
  const channel = await open({ credentials: async () => [shown] })
  await expect.poll(() => accepted.length).toBe(1)
  const send = (text: string): void => {
    for (const name of ['guests', 'sensors']) dropPressure(opening.context.send([channel.address, name], new TextEncoder().encode(text)))
  }
  send('one')
  send('two')
  await expect.poll(() => got).toEqual(['guests one', 'guests two'])
  shown = await issue('sensor')
  await channel.refreshCredentials()
  send('three')
  await expect.poll(() => got).toEqual(['guests one', 'guests two', 'sensors three'])
})
