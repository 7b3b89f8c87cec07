/**
 * The worker behind a connection's address: takes its own hop off each message and hands all that waits to the transport at once.
 *
 * It is the last owner of the messages it gets, so it changes their route in place instead of making new ones.
 */
import type { BatchConnection, BatchWorker, Connection, LocalMessage, Pressure } from '@ockam/core'
import type { RoutedMessage } from './routed-message.ts'

export function connectionSender(connection: Connection): BatchWorker {
  const batching = connection as Connection & Partial<BatchConnection>
  return {
    handleBatch(messages: readonly LocalMessage[]): void | Promise<void> {
      for (const message of messages) stepInPlace(message as RoutedMessage)
      if (batching.sendBatch !== undefined) return batching.sendBatch(messages)
      return sendSingly(connection, messages)
    },
    stop: () => connection.close(),
  }
}

function stepInPlace(message: RoutedMessage): void {
  message.onwardRoute = message.onwardRoute.step()
}

/** One after the other; an error about one message does not keep the others back. */
function sendSingly(connection: Connection, messages: readonly LocalMessage[]): void | Promise<void> {
  let failure: Error | undefined
  let pressure: Pressure
  for (let i = 0; i < messages.length; i++) {
    try {
      pressure = connection.send(messages[i] as LocalMessage) ?? pressure
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error('The transport failed to send a message.', { cause: error })
    }
  }
  if (failure === undefined) return pressure
  if (pressure === undefined) throw failure
  return pressure.then(() => {
    throw failure
  })
}
