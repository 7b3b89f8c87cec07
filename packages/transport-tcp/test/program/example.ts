import { createRouter } from '@ockam/routing'
import { tcp } from '@ockam/transport-tcp'

const server = createRouter({ transports: [tcp()] })
server.startWorker('greeter', (message, context) => context.reply(message, message.payload), { from: 'anyone' })
const { address } = await server.listen('/ip4/127.0.0.1/tcp/0')

const client = createRouter({ transports: [tcp()] })
const { route } = await client.resolve(`${address}/service/greeter`)
const { payload } = await client.context.request(route, new TextEncoder().encode('hello'))
console.log(new TextDecoder().decode(payload))

await client.close()
await server.close()
