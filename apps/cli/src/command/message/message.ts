/**
 * `ockam message …`. Text travels as BARE bytes in both directions, as the published Rust command sends and expects it: `hello` is `05 68656c6c6f`. What is
 * given in hexadecimal digits travels as it is.
 */

import { decodeBareData, encodeBareData } from '@ockam/core/bare'
import { completedRoute, nodeName, readRoute } from '../../address/node-route.ts'
import { CommandError, usageError } from '../../error.ts'
import { MESSAGE_MS } from '../../node/limit.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, chosenNode } from '../node-choice.ts'
import { PROJECT_OPTIONS, RETRY_OPTIONS } from '../rust-option.ts'
import { timeoutOption } from '../timeout-option.ts'
import { withTraceHint } from '../trace-hint.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

const send: CommandDefinition = {
  name: 'send',
  summary: 'Send a message along a route and print the answer',
  details:
    'Message and answer are text, in the form Rust nodes use (BARE bytes), or with --hex any bytes. "-" in the route stands for what another command prints: ockam secure-channel create … | ockam message send hello --to -/service/echo',
  parameters: [{ name: 'message', description: 'the text', isRequired: true }],
  options: [
    { flags: '-t, --to <route>', description: 'where it goes', isRequired: true },
    { flags: '-f, --from <node>', description: 'the node that sends it', fallback: 'a node for this message alone' },
    { flags: '--hex', description: 'message and answer are bytes, as they are, in hexadecimal digits' },
    authorizedOption('peers'),
    identityOption,
    timeoutOption(MESSAGE_MS, ' for the answer, and for each hop that is opened'),
    ...RETRY_OPTIONS,
    ...PROJECT_OPTIONS,
  ],
  examples: [
    'ockam message send hello --to /node/n1/service/uppercase',
    'ockam message send hello --from n1 --to /node/n2/secure/api/service/uppercase',
  ],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const given = input.requiredText('to')
    const written = await completedRoute(given, shell)
    const to = await readRoute(written, shell, state)
    const authorized = input.list('authorized')
    const isHex = input.flag('hex')
    if (to.pieces.slice(0, -1).some(({ name }) => name === 'secure'))
      sayWhoIsTrusted(shell, authorized, `The channel on the way to ${given}`)
    const timeoutMs = input.durationMs('timeout') ?? MESSAGE_MS
    const parameters = {
      to: to.toString(),
      written,
      body: bodyOf(input.required(0), isHex),
      authorized,
      identity: input.text('identity'),
      timeoutMs,
    }
    const from = input.text('from')
    const node = from === undefined ? undefined : chosenNode(state, nodeName(from))
    const sending = terminal.progress(`Sending to ${given}`, async () => {
      // Each hop that has to be opened, and the answer, may take so long.
      if (node !== undefined)
        return askNode(state, node, 'message.send', parameters, { operationMs: (to.length + 1) * timeoutMs, signal: shell.signal })
      const { withOwnHost } = await import('../../node/own-host.ts')
      const { sendMessage } = await import('../../node/method/message.ts')
      return withOwnHost(state, shell.secrets, input.text('identity'), (host) =>
        sendMessage({ ...parameters, identity: undefined }, host, shell.signal),
      )
    })
    const { body } = (await withTraceHint({ ...parameters, route: written, from: node }, sending)) as { readonly body: string }
    const answer = isHex ? body : textOf(body)
    terminal.data({ response: answer }, answer)
  },
}

function bodyOf(message: string, isHex: boolean): string {
  if (!isHex) return Buffer.from(encodeBareData(Buffer.from(message, 'utf8'))).toString('hex')
  if (message.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(message)) return message.toLowerCase()
  throw usageError('With --hex the message is an even number of hexadecimal digits.')
}

function textOf(hex: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(decodeBareData(Buffer.from(hex, 'hex')))
  } catch (cause) {
    throw new CommandError('cli/failed', 'The answer is not text in the form of BARE bytes: the worker there speaks another protocol.', {
      hint: 'Add --hex to see its bytes; the message is then written in hexadecimal digits, too.',
      cause,
    })
  }
}

export const message: CommandGroup = { name: 'message', summary: 'Messages to workers', commands: [send] }
