import { encodeBareString } from '@ockam/core/bare'
import { startRelayService } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { turn } from '../fixture/settle.ts'
import { FakeChannel } from './fixture/fake-channel.ts'
import { type RawPeer, rawNode } from './fixture/raw-transport.ts'

const PING = Uint8Array.of(1)

function register(side: RawPeer | FakeChannel, ...names: string[]): void {
  for (const name of names) {
    const body = encodeBareString(name)
    if (side instanceof FakeChannel) side.deliver('static_forwarding_service', 'mine', body)
    else side.tell('static_forwarding_service', 'mine', body)
  }
}

const answers = (side: RawPeer | FakeChannel): number => (side instanceof FakeChannel ? side.sent : side.messages).length

describe('relays are limited', () => {
  test('in total', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router, { maxRelays: 3 })
    const sides = [accept(), accept(), accept(), accept()]
    for (const [i, side] of sides.entries()) register(side, `n${i}`)
    await quiet()
    expect(sides.map(answers)).toEqual([1, 1, 1, 0])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'too-many-relays', relay: 'forward_to_n3' }])
    // An owner may still register again, and room that is freed is given out.
    register(sides[0] as RawPeer, 'n0')
    sides[1]?.cut()
    await turn()
    await turn()
    register(sides[3] as RawPeer, 'n3')
    await quiet()
    expect(service.relays).toEqual(['forward_to_n0', 'forward_to_n2', 'forward_to_n3'])
  })

  test('for each connection, whoever registers over it', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router, { maxRelaysPerConnection: 2 })
    const [first, second] = [accept(), accept()]
    register(first, 'a', 'b', 'c')
    register(second, 'd')
    await quiet()
    expect([first, second].map(answers)).toEqual([2, 1])
  })

  test('for each identity, over all its channels', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, quiet } = await rawNode({ diagnostics })
    startRelayService(router, { maxRelaysPerIdentity: 2 })
    const [first, second, other] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'a'), new FakeChannel(router, 'b')]
    register(first, 'a')
    register(second, 'b', 'c')
    register(other, 'd')
    await quiet()
    expect([first, second, other].map(answers)).toEqual([1, 1, 1])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'too-many-of-owner' }])
    // A channel that ends makes room for the others of its identity.
    await first.close()
    await turn()
    register(second, 'c')
    await quiet()
    expect(answers(second)).toBe(2)
  })

  test('for each connection also when relays move to it', async () => {
    const { router, quiet } = await rawNode()
    const service = startRelayService(router, { maxRelaysPerConnection: 2 })
    const [first, second] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'a')]
    register(first, 'a', 'b')
    register(second, 'c', 'a', 'b', 'a')
    await quiet()
    expect([first, second].map(answers)).toEqual([2, 3])
    await second.close()
    await turn()
    // What could not move stayed where it was.
    expect(service.relays).toEqual(['forward_to_b'])
  })

  test('and limits that are not whole numbers above 0 are refused', async () => {
    const { router } = await rawNode()
    for (const options of [{ maxRelays: 0 }, { maxRelaysPerConnection: -1 }, { maxRelaysPerIdentity: 1.5 }, { addresses: [] }]) {
      expect(() => startRelayService(router, options)).toThrowError(expect.objectContaining({ code: 'routing/invalid-argument' }))
    }
    expect(startRelayService(router).relays).toEqual([])
  })
})

describe('a relay service', () => {
  test('takes registrations only from those it is open to', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router, { from: 'channels', incoming: { description: 'a', isAllowed: (message) => message.localInfo.length === 1 } })
    const [plain, channel] = [accept(), new FakeChannel(router, 'a')]
    register(plain, 'a')
    register(channel, 'b')
    await quiet()
    expect([plain, channel].map(answers)).toEqual([0, 1])
  })

  test('that is closed ends its relays and takes back every right it gave', async () => {
    const { router, accept, quiet } = await rawNode()
    const flowControls = router.flowControls as NodeFlowControls
    const service = startRelayService(router)
    const [owner, senders] = [accept(), [accept(), accept()]]
    register(owner, 'a', 'b')
    await quiet()
    const workers = router.statistics().workers
    for (const sender of senders) for (const name of ['a', 'b']) sender.tell(`forward_to_${name} x`, 'y', PING)
    await quiet()
    expect(flowControls.consumerCount).toBe(4)
    await service.close()
    expect(flowControls.consumerCount).toBe(0)
    expect(router.statistics().workers).toBe(workers - 3)
    senders[0]?.tell('forward_to_a x', 'y', PING)
    await quiet()
    expect(owner.messages.filter(({ onward }) => onward === 'x')).toHaveLength(4)
  })

  test('takes back what it gave when either side leaves', async () => {
    const { router, accept, quiet } = await rawNode()
    const flowControls = router.flowControls as NodeFlowControls
    startRelayService(router)
    const [owner, first, second] = [accept(), accept(), accept()]
    register(owner, 'a')
    await quiet()
    for (const sender of [first, second]) sender.tell('forward_to_a x', 'y', PING)
    await quiet()
    expect(flowControls.consumerCount).toBe(4)
    first.cut()
    await turn()
    await turn()
    expect(flowControls.consumerCount).toBe(2)
    owner.cut()
    await turn()
    await turn()
    expect(flowControls.consumerCount).toBe(0)
  })

  test('takes back what it gave to a connection that no relay leads to any more, and keeps what it gave to others', async () => {
    const { router, accept, quiet } = await rawNode()
    const flowControls = router.flowControls as NodeFlowControls
    startRelayService(router)
    const [first, second, sender] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'a'), accept()]
    register(first, 'a', 'b')
    await quiet()
    for (const name of ['a', 'b']) sender.tell(`forward_to_${name} x`, 'y', PING)
    await quiet()
    expect(flowControls.consumerCount).toBe(2)
    register(second, 'a')
    await quiet()
    expect(flowControls.consumerCount).toBe(2)
    register(second, 'b')
    await quiet()
    expect(flowControls.consumerCount).toBe(0)
    for (const name of ['a', 'b']) sender.tell(`forward_to_${name} x`, 'y', PING)
    await quiet()
    expect(flowControls.consumerCount).toBe(2)
    expect(second.sent.filter(({ onward }) => onward === 'x')).toHaveLength(2)
  })
})
