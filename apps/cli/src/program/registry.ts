/** All commands, in the order help shows them. Parsing, help, completion and the reference are made from this list. */

import { identity } from '../command/identity/identity.ts'
import { message } from '../command/message/message.ts'
import { node } from '../command/node/node.ts'
import { relay } from '../command/relay/relay.ts'
import { secureChannelListener } from '../command/secure-channel-listener/secure-channel-listener.ts'
import { secureChannel } from '../command/secure-channel/secure-channel.ts'
import { service } from '../command/service/service.ts'
import { tcpConnection } from '../command/tcp-connection/tcp-connection.ts'
import { tcpListener } from '../command/tcp-listener/tcp-listener.ts'
import { worker } from '../command/worker/worker.ts'
import type { CommandEntry } from './command.ts'

export const COMMANDS: readonly CommandEntry[] = [
  node,
  message,
  secureChannel,
  secureChannelListener,
  relay,
  tcpListener,
  tcpConnection,
  service,
  worker,
  identity,
]
