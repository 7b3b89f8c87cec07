import {
  Address,
  type AdmissionChecking,
  type ChannelPeerInfo,
  dropPressure,
  Identifier,
  type LocalMessage,
  NO_LOCAL_INFO,
  peerOf,
  Route,
  type Router,
} from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { settled } from './fixture/settle.ts'

const identified = (byte: string): ChannelPeerInfo => ({ kind: 'channel-peer', identifier: Identifier.parse(`I${byte.repeat(32)}`) })
const [friend, stranger] = [identified('ab'), identified('cd')]

const start = (): Router & AdmissionChecking => createRouter() as Router & AdmissionChecking

const messageTo = (name: string, others: Partial<LocalMessage> = {}): LocalMessage => ({
  onwardRoute: Route.of(name),
  returnRoute: Route.of('me'),
  payload: new Uint8Array(1),
  localInfo: NO_LOCAL_INFO,
  source: Address.local('me'),
  origin: undefined,
  forwards: 0,
  isExclusive: false,
  ...others,
})

const friendsOnly = {
  description: 'friends only',
  isAllowed: (message: LocalMessage) => peerOf(message)?.identifier.equals(friend.identifier) === true,
}

describe('the admission of a message', () => {
  test('names what is against it: no such worker, who may reach it, or its access control', async () => {
    const router = start()
    const channel = router.flowControls.createProducer('channel', router.flowControls.createId())
    const connection = router.flowControls.createProducer('transport', router.flowControls.createId())
    router.startWorker('vip', () => undefined, { incoming: friendsOnly })
    router.startWorker('inner', () => undefined, { from: 'local' })
    router.startWorker('open', () => undefined, { from: 'anyone' })
    const refused = (reason: string, rule?: string) => ({ isAdmitted: false, reason, rule })
    const byChannel = 'only what comes through secure channels, from a peer with an identity'
    expect(await router.admissionOf(messageTo('nobody'))).toEqual(refused('unknown-address'))
    expect(await router.admissionOf(messageTo('vip', { origin: connection }))).toEqual(refused('not-reachable', byChannel))
    expect(await router.admissionOf(messageTo('vip'))).toEqual(refused('not-reachable', byChannel))
    expect(await router.admissionOf(messageTo('vip', { origin: channel, localInfo: [stranger] }))).toEqual(
      refused('denied-incoming', 'friends only'),
    )
    expect(await router.admissionOf(messageTo('vip', { origin: channel, localInfo: [friend] }))).toEqual({ isAdmitted: true })
    expect(await router.admissionOf(messageTo('inner', { origin: channel, localInfo: [friend] }))).toEqual(
      refused('not-reachable', 'only workers of its own node'),
    )
    expect(await router.admissionOf(messageTo('open', { origin: connection }))).toEqual({ isAdmitted: true })
    await router.close()
  })

  test('is refused when the access control fails, and waited for when it takes time', async () => {
    const router = start()
    const broken = { description: 'broken', isAllowed: () => Promise.reject(new Error('no data base')) }
    const slow = { description: 'slow', isAllowed: async () => (await settled(router), true) }
    router.startWorker('broken', () => undefined, { from: 'anyone', incoming: broken })
    router.startWorker('slow', () => undefined, { from: 'anyone', incoming: slow })
    expect(await router.admissionOf(messageTo('broken'))).toEqual({ isAdmitted: false, reason: 'denied-incoming', rule: 'broken' })
    expect(await router.admissionOf(messageTo('slow'))).toEqual({ isAdmitted: true })
    await router.close()
  })

  test('sees no identity that is withheld', async () => {
    const router = start()
    const channel = router.flowControls.createProducer('channel', router.flowControls.createId())
    router.startWorker('vip', () => undefined, { incoming: friendsOnly })
    const message = messageTo('vip', { origin: channel, localInfo: [friend] })
    expect(await router.admissionOf(message)).toEqual({ isAdmitted: true })
    router.flowControls.withholdIdentity(channel)
    expect(await router.admissionOf(message)).toMatchObject({ reason: 'not-reachable' })
    await router.close()
  })

  test('delivers and counts nothing, and is what the same message meets then', async () => {
    const router = start()
    const channel = router.flowControls.createProducer('channel', router.flowControls.createId())
    let received = 0
    router.startWorker('vip', () => void received++, { incoming: friendsOnly })
    for (const localInfo of [[friend], [stranger], NO_LOCAL_INFO]) {
      for (const origin of [channel, undefined]) {
        for (const name of ['vip', 'nobody']) {
          const message = messageTo(name, { origin, localInfo })
          const before = [received, router.statistics()]
          const admission = await router.admissionOf(message)
          await settled(router)
          expect([received, router.statistics()]).toEqual(before)
          if (name === 'nobody' && origin === undefined) {
            expect(() => dropPressure(router.context.dispatch(message))).toThrow(
              expect.objectContaining({ code: 'routing/unknown-address' }),
            )
            continue
          }
          const [receivedBefore, { dropped }] = [received, router.statistics()]
          dropPressure(router.context.dispatch(message))
          await settled(router)
          expect(received - receivedBefore).toBe(admission.isAdmitted ? 1 : 0)
          const reason = admission.isAdmitted ? 'none' : admission.reason
          expect((router.statistics().dropped[reason] ?? 0) - (dropped[reason] ?? 0)).toBe(admission.isAdmitted ? 0 : 1)
        }
      }
    }
    await router.close()
  })
})
