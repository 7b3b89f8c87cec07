/** Our peer as a program: one request a line on standard input, replies and events on standard output; ends with its input. */
import { createInterface } from 'node:readline'
import { OurPeer } from './our-peer.mjs'

const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const peer = new OurPeer(write)

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, ...asked } = JSON.parse(line)
    try {
      write({ id, ok: await peer.run(asked) })
    } catch (error) {
      write({ id, error: { message: error.message } })
    }
  })
  .on('close', () => process.exit(0))
