/** What the byte-stream peers (`net`, `tls`) share: count or echo bytes, flood under back-pressure, one question at a time, connect again and again. */

const HANDSHAKE_GREETING = 64
const WRITES_PER_TURN = 8192

export const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port })))

/** The accepting side: counts whole messages by bytes; echoes when the scenario asks for answers. */
export function acceptRole(settings, meter) {
  return (socket) => {
    let bytes = 0
    socket.on('error', (error) => {
      if (settings.scenario !== 'handshake') meter.fail(error)
    })
    if (settings.scenario !== 'throughput') return socket.on('data', (chunk) => socket.write(chunk))
    socket.on('data', (chunk) => {
      bytes += chunk.length
      meter.count = Math.floor(bytes / settings.size)
    })
  }
}

/**
 * Writes until the stream says stop, then waits for 'drain'. Only so many writes before the event loop gets a turn: a write that completes at once never says
 * stop or drains within the same turn, and the process would hear neither its other end nor the runner.
 */
export const flood = (settings) => (socket) => {
  const message = new Uint8Array(settings.size).fill(0x5a)
  let allowed = 0
  let isFull = false
  const fill = () => {
    while (allowed-- > 0) {
      isFull = !socket.write(message)
      if (isFull) return
    }
    setImmediate(turn)
  }
  const turn = () => {
    allowed = WRITES_PER_TURN
    fill()
  }
  socket.on('drain', () => {
    if (!isFull) return
    isFull = false
    fill()
  })
  turn()
}

export const askAndWait = (settings, meter) => (socket) => {
  const message = new Uint8Array(settings.size).fill(0x5a)
  let startedAt = 0
  let received = 0
  const ask = () => {
    received = 0
    startedAt = performance.now()
    socket.write(message)
  }
  socket.on('data', (chunk) => {
    received += chunk.length
    if (received >= settings.size && meter.sample(performance.now() - startedAt)) ask()
  })
  ask()
}

/** One after the other: connect, authenticate (when the protocol does), one round trip, close. */
export function reconnect(_settings, meter, dial) {
  const next = () => {
    const stream = dial((ready) => ready.write(new Uint8Array(HANDSHAKE_GREETING)))
    let received = 0
    stream.on('error', (error) => meter.fail(error))
    stream.on('data', (chunk) => {
      received += chunk.length
      if (received < HANDSHAKE_GREETING) return
      meter.count++
      stream.destroy()
      next()
    })
  }
  next()
}
