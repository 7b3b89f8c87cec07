/** The comparison with Rust measures what it says: our node behind the peer's commands does every job, and a message that is lost or altered is noticed. */
import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { rustPeerPath } from '../../rust-peer/path.mjs'
import { isNumbered, numbered } from '../rust/numbered.mjs'
import { OurPeer } from '../rust/our-peer.mjs'
import { Pairing } from '../rust/pairing.mjs'
import { PeerProgram } from '../rust/peer-program.mjs'
import { casesOf, judge, PATHS } from '../rust/plan.mjs'

const open = []
afterEach(() => Promise.all(open.splice(0).map((end) => end())))

/** Our peer in this process, on the sources, as a pairing sees it. */
function ours() {
  const events = []
  let waiting
  const peer = new OurPeer((event) => {
    if (waiting?.fits(event)) waiting.resolve(event)
    else events.push(event)
  })
  open.push(() => peer.close())
  return {
    ask: async (command, details) => JSON.parse(JSON.stringify(await peer.run({ command, ...details }))),
    event: (fits) =>
      new Promise((resolve) => {
        const at = events.findIndex(fits)
        if (at >= 0) resolve(events.splice(at, 1)[0])
        else waiting = { fits, resolve }
      }),
    cpuUs: () => process.cpuUsage().user,
  }
}

function rust() {
  const peer = new PeerProgram([rustPeerPath()])
  open.push(() => peer.end())
  return peer
}

async function measureAll(nodes) {
  const pairing = new Pairing(nodes)
  await pairing.meet()
  for (const security of ['plain', 'secure']) {
    expect((await pairing.flood(security, 64, 1, 1)).perSecond).toBeGreaterThan(0)
    expect((await pairing.flood(security, 16 * 1024, 1, 1)).perSecond).toBeGreaterThan(0)
    const { p50Us, p99Us } = await pairing.echo(security, 64, 20)
    expect(p99Us).toBeGreaterThanOrEqual(p50Us)
  }
  const { perSecond, cpuUs } = await pairing.handshakes(1, 1)
  expect(perSecond).toBeGreaterThan(0)
  expect(Object.keys(cpuUs)).toEqual(Object.keys(nodes))
}

describe('a pairing', () => {
  test('of ours with ours is measured, directly and through a relay', async () => {
    await measureAll({ sender: ours(), receiver: ours() })
    await measureAll({ sender: ours(), receiver: ours(), relay: ours() })
  })

  test.skipIf(!existsSync(rustPeerPath()))('with a Rust node is measured in both roles, through a relay of either kind', async () => {
    await measureAll({ sender: ours(), receiver: rust(), relay: rust() })
    await measureAll({ sender: rust(), receiver: ours(), relay: ours() })
  })

  test('fails when a message was altered', async () => {
    const [sender, receiver] = [ours(), ours()]
    const pairing = new Pairing({
      sender,
      receiver: { ...receiver, event: async (fits) => ({ ...(await receiver.event(fits)), wrong: 1 }) },
    })
    await pairing.meet()
    await expect(pairing.flood('plain', 64, 1, 1)).rejects.toThrow('1 of them altered or out of order')
  })
})

describe('a numbered message', () => {
  test.each([8, 9, 64, 127, 128, 1024])('of %i bytes is known by its number, and not with any byte changed', (size) => {
    const message = numbered(2 ** 32 + 300, size)
    expect(isNumbered(message, 2 ** 32 + 300)).toBe(true)
    expect(isNumbered(message, 2 ** 32 + 301)).toBe(false)
    for (let at = 0; at < size; at++) {
      const altered = message.slice()
      altered[at] ^= 1
      expect(isNumbered(altered, 2 ** 32 + 300)).toBe(false)
    }
  })
})

describe('a peer that', () => {
  test('does not exist, or ends, rejects what it is asked', async () => {
    await expect(new PeerProgram(['/nowhere/rust-peer']).ask('peer.version')).rejects.toThrow('The peer has ended')
    const ending = new PeerProgram([process.execPath, '-e', 'process.exit(3)'])
    await expect(ending.event(() => true)).rejects.toThrow('code 3')
  })
})

test('goals name only cases that are measured, and what is absent is "not measured"', () => {
  const names = PATHS.flatMap((path) => casesOf(path, false).map(({ name }) => name))
  for (const { name, verdict } of judge({})) {
    expect(names).toContain(name.slice(0, name.indexOf(':')))
    expect(verdict).toBe('not measured')
  }
})
