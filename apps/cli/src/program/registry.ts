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
import { tcpInlet } from '../command/tcp-inlet/tcp-inlet.ts'
import { tcpOutlet } from '../command/tcp-outlet/tcp-outlet.ts'
import { vault } from '../command/vault/vault.ts'
import { route } from '../command/route/route.ts'
import { completion } from '../command/completion.ts'
import { doctor } from '../command/doctor.ts'
import { environment } from '../command/environment.ts'
import { reset } from '../command/reset.ts'
import { status } from '../command/status.ts'
import { worker } from '../command/worker/worker.ts'
import type { CommandEntry } from './command.ts'

export const COMMANDS: readonly CommandEntry[] = [
  node,
  message,
  tcpOutlet,
  tcpInlet,
  relay,
  secureChannel,
  secureChannelListener,
  identity,
  vault,
  tcpListener,
  tcpConnection,
  service,
  worker,
  route,
  status,
  doctor,
  reset,
  completion(() => COMMANDS),
  environment,
]
