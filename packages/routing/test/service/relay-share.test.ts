/** Strangers who want all relays, or all rights that come with them, for themselves. */
import { encodeBareString } from '@ockam/core/bare'
import { startRelayService } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { rawNode } from './fixture/raw-transport.ts'

const ALIAS = encodeBareString('n1')
const PING = Uint8Array.of(1, 2, 3)

describe('relays that strangers want for themselves', () => {
  test('let an honest device through when 400 connections have introduced themselves to each other', async () => {
    const { router, accept, quiet } = await rawNode()
    const flowControls = router.flowControls as NodeFlowControls
    startRelayService(router)
    const service = accept()
    service.tell('static_forwarding_service', 'mine', ALIAS)
    const attackers = Array.from({ length: 400 }, () => accept())
    for (const [i, attacker] of attackers.entries()) attacker.tell('static_forwarding_service', 'x', encodeBareString(`a${i}`))
    await quiet()
    for (const attacker of attackers) {
      for (let i = 0; i < 150; i++) attacker.tell(`forward_to_a${i} x`, 'y', PING)
      await quiet()
    }
    expect(flowControls.consumerCount).toBe(65_536)
    const device = accept()
    device.tell('forward_to_n1 api', 'box', PING)
    await quiet()
    const [, asked] = service.messages
    service.tell(asked?.back ?? '', 'session', PING)
    await quiet()
    const [answer] = device.messages
    expect(answer?.onward).toBe('box')
    // And back again without the relay, as a channel does after its first message.
    device.tell(answer?.back ?? '', 'box', PING)
    await quiet()
    expect(service.messages.at(-1)?.onward).toBe('session')
  })

  test('introduce a sender again whose right was ended for another of its own', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router, { maxRelaysPerConnection: 200, maxRelays: 400 })
    const owners = Array.from({ length: 130 }, () => accept())
    for (const [i, owner] of owners.entries()) owner.tell('static_forwarding_service', 'mine', encodeBareString(`a${i}`))
    await quiet()
    const gateway = accept()
    // 130 pairs of rights, of which one connection may have 128: those of the first two relays end.
    for (const i of owners.keys()) {
      gateway.tell(`forward_to_a${i} x`, 'y', PING)
      await quiet()
    }
    const [first] = owners
    const answer = async (): Promise<number> => {
      first?.tell(first.messages.at(-1)?.back ?? '', 'mine', PING)
      await quiet()
      return gateway.messages.length
    }
    expect(await answer()).toBe(0)
    gateway.tell('forward_to_a0 x', 'y', PING)
    await quiet()
    expect(await answer()).toBe(1)
  })

  test('are shared: ten connections that take all of them leave one for everybody else', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router)
    const attackers = Array.from({ length: 10 }, () => accept())
    for (const [i, attacker] of attackers.entries()) {
      for (let name = 0; name < 100; name++) attacker.tell('static_forwarding_service', 'x', encodeBareString(`a${i}-${name}`))
      await quiet()
    }
    expect(service.relays).toHaveLength(1000)
    const devices = Array.from({ length: 50 }, () => accept())
    for (const [i, device] of devices.entries()) device.tell('static_forwarding_service', 'mine', encodeBareString(`d${i}`))
    await quiet()
    expect(devices.every(({ messages }) => messages.length === 1)).toBe(true)
    expect(service.relays).toHaveLength(1000)
    // Those who have most give up their newest, one after the other.
    expect(service.relays.filter((name) => name.startsWith('forward_to_a0-'))).toHaveLength(95)
    expect(service.relays).toContain('forward_to_a9-0')
    expect(diagnostics.named('routing/relay-displaced')).toMatchObject([{ reason: 'too-many-relays', relay: 'forward_to_a0-99' }])
    // They are told nothing but that they were registered, in their time: the wire has no message for more.
    expect(attackers.every(({ messages }) => messages.length === 100)).toBe(true)
    // And do not get them back.
    attackers[0]?.tell('static_forwarding_service', 'x', encodeBareString('more'))
    await quiet()
    expect(service.relays).not.toContain('forward_to_more')
    expect(devices.every((_, i) => service.relays.includes(`forward_to_d${i}`))).toBe(true)
  })
})
