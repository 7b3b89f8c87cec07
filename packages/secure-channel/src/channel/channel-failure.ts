/** Why channels end without anybody closing them, as the errors that `closed` resolves with. */

import { type Identifier, OckamError, type Route } from '@ockam/core'
import { channelError, type SecureChannelErrorCode } from '../error.ts'

type ChannelError = OckamError<SecureChannelErrorCode>

export function expired(peer: Identifier): ChannelError {
  return channelError('secure-channel/expired', `What ${peer} showed about its identity has expired: open a new channel.`)
}

export function idle(peer: Identifier, idleTimeoutMs: number): ChannelError {
  return channelError('secure-channel/idle', `Nothing authentic came from ${peer} for more than ${idleTimeoutMs} ms.`)
}

export function displaced(peer: Identifier): ChannelError {
  return channelError('secure-channel/displaced', `${peer} has opened more channels than its network gets: this one was silent longest.`)
}

export function routeLost(peer: Identifier, route: Route): ChannelError {
  return channelError('secure-channel/route-lost', `The way to ${peer} (${route}) is gone and no other was found: open a new channel.`)
}

export function windowLost(peer: Identifier): ChannelError {
  return channelError('secure-channel/window-lost', `32 or more messages in a row from ${peer} were lost: open a new channel.`)
}

/** What sealing or opening threw. */
export function failed(what: 'seal' | 'open', error: unknown): ChannelError {
  return OckamError.is<SecureChannelErrorCode>(error, 'secure-channel/exhausted', 'secure-channel/vault-failed')
    ? error
    : channelError('secure-channel/vault-failed', `The vault failed to ${what} a message; the channel was closed.`, error)
}
