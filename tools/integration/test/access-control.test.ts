/** Standard access controls of core at the mailboxes of a router: who may send to a worker, and where a worker may send to. */

import { allowAllOf, allowAnyOf, allowOnwardAddresses, allowSourceAddresses, type Context, denyAll, type LocalMessage } from '@ockam/core'
import { createNode, type OckamNode } from '@ockam/node'
import { allowAnyIdentifier } from '@ockam/secure-channel'
import { afterEach, beforeEach, expect, test } from 'vitest'

let node: OckamNode
const rules: unknown[] = []

beforeEach(async () => {
  rules.length = 0
  node = await createNode({
    transports: [],
    diagnostics: { event: (name, details) => void (name === 'routing/message-dropped' && rules.push([details?.reason, details?.rule])) },
  })
})
afterEach(() => node.close())

/** Sends on what it gets, as itself. */
const relay = (message: LocalMessage, context: Context) => context.send(message.onwardRoute.step(), message.payload)

/** Starts a worker that collects who sent to it. */
function collecting(name: string, incoming?: Parameters<typeof allowAllOf>[0][number]): string[] {
  const senders: string[] = []
  node.startWorker(name, ({ source }) => void senders.push(source.name), { from: 'local', ...(incoming && { incoming }) })
  return senders
}

/** What was sent has been handled when what was sent behind it has. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

test('a worker gets messages of those mailboxes alone that its incoming rule names', async () => {
  const senders = collecting('guarded', allowSourceAddresses(['friend']))
  for (const name of ['friend', 'stranger']) node.startWorker(name, relay, { from: 'local' })
  await node.send('friend => guarded', new Uint8Array(1))
  await node.send('stranger => guarded', new Uint8Array(1))
  await node.send('guarded', new Uint8Array(1))
  await settled()
  expect(senders).toEqual(['friend'])
  expect(rules[0]).toEqual(['denied-incoming', 'from 0#friend'])
})

test('a worker sends to those next hops alone that its outgoing rule names', async () => {
  const [open, closed] = [collecting('open'), collecting('closed')]
  node.startWorker('bound', relay, { from: 'local', outgoing: allowOnwardAddresses(['open']) })
  for (const route of ['bound => open', 'bound => closed', 'bound => closed => open']) await node.send(route, new Uint8Array(1))
  await settled()
  expect(open).toEqual(['bound'])
  expect(closed).toEqual([])
  expect(rules).toEqual([['denied-outgoing', 'to 0#open']])
})

test('combine with those that look at identities', async () => {
  const friends = allowSourceAddresses(['friend'])
  const either = collecting('either', allowAnyOf([allowAnyIdentifier(), friends]))
  const both = collecting('both', allowAllOf([allowAnyIdentifier(), friends]))
  const nobody = collecting('nobody', denyAll())
  node.startWorker('friend', relay, { from: 'local' })
  for (const name of ['either', 'both', 'nobody']) await node.send(`friend => ${name}`, new Uint8Array(1))
  await settled()
  expect([either, both, nobody]).toEqual([['friend'], [], []])
})
