export { Address, Identifier, OckamError, peerOf, Route } from '@ockam/core'
export type { OwnIdentity } from '@ockam/identity'
export type { RelayHandle, RelayService } from '@ockam/routing'
export { allOf, anyOf, type ChannelListener, trustEveryone, trustIdentifier, trustIdentifiers } from '@ockam/secure-channel'
export { closeOnSignal } from './close-on-signal.ts'
export { createNode, type NodeOptions } from './create-node.ts'
export type { NodeErrorCode } from './error.ts'
export {
  type ChannelIdentity,
  type CreateRelayOptions,
  type IdentityLike,
  type ListenSecureChannelsOptions,
  OckamNode,
  type OpenSecureChannelOptions,
} from './node.ts'
export { type ChannelRequestOptions, type MoveOptions, NodeChannel } from './node-channel.ts'
export { printDiagnostics } from './print-diagnostics.ts'
