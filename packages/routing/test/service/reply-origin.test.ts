/**
 * Whatever a remote party sends, what this node says in return leaves by the connection or channel that delivered it: the first hop of every reply
 * to remote input belongs to that one. The services of this package are all there; a bystander has a connection, a channel and a relay.
 */
import { encodeBareString } from '@ockam/core/bare'
import { startEcho, startHop, startRelayService, startUppercase } from '@ockam/routing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeChannel } from './fixture/fake-channel.ts'
import { rawNode } from './fixture/raw-transport.ts'

const NAMES = [
  'echo',
  'uppercase',
  'hop',
  'forwarding_service',
  'static_forwarding_service',
  'forward_to_mine',
  'forward_to_taken',
  'replier',
  'secret',
  'x',
  // Stand for addresses that a spy may have learned.
  'BYSTANDER',
  'CHANNEL',
  'ATTACKER',
] as const

const names = fc.array(fc.constantFrom(...NAMES), { maxLength: 6 })
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.constantFrom('register', 'mine', 'taken', 'new', 'echo').map((name) => encodeBareString(name) as Uint8Array),
)
const attack = fc.record({ onward: names, back: names, payload, isChannel: fc.boolean() })

test('The first hop of every reply to remote input belongs to the transport or channel that delivered it.', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(attack, { minLength: 1, maxLength: 8 }), async (attacks) => {
      const { router, accept, quiet } = await rawNode()
      startEcho(router)
      startUppercase(router)
      startHop(router, 'hop', { from: 'anyone' })
      startRelayService(router)
      const learned: string[] = []
      router.startWorker('address-of', ({ returnRoute }) => void learned.push(returnRoute.next?.name as string), { from: 'anyone' })
      router.startWorker('replier', (message, context) => context.send(message.returnRoute, message.payload), { from: 'anyone' })
      const reached: unknown[] = []
      router.startWorker('secret', (message) => void (message.origin !== undefined && reached.push(message)), { from: 'local' })

      const [attacker, bystander] = [accept(), accept()]
      const [attackerChannel, channel] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'b')]
      attacker.tell('address-of', '', Uint8Array.of(0))
      bystander.tell('address-of', '', Uint8Array.of(0))
      bystander.tell('static_forwarding_service', 'own', encodeBareString('taken'))
      await quiet()
      bystander.received.length = 0

      const known = { ATTACKER: learned[0], BYSTANDER: learned[1], CHANNEL: channel.encryptor.name } as Record<string, string | undefined>
      const written = (route: readonly string[]): string => route.map((name) => known[name] ?? name).join(' ')
      for (const { onward, back, payload: body, isChannel } of attacks) {
        if (isChannel) attackerChannel.deliver(written(onward), written(back), body)
        else attacker.tell(written(onward), written(back), body)
        await quiet()
      }
      expect(reached).toEqual([])
      expect(channel.sent).toEqual([])
      // The bystander's relay leads to the bystander, and is what it asked for; nothing else does.
      const isRelayed = attacks.some(({ onward }) => onward.includes('forward_to_taken'))
      if (!isRelayed) expect(bystander.received).toEqual([])
    }),
    { numRuns: 300 },
  )
})
