import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileStore } from '../src/index.ts'
import { bundleProgram, startProgram } from './child-program.ts'

let root = ''
let program = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
  program = await bundleProgram(new URL('./program/write-until-killed.ts', import.meta.url), root)
})
afterAll(() => rm(root, { recursive: true }))

const ROUNDS = 25
const LANES = [0, 1, 2, 3]

/** What one lane of the killed program said. */
interface Lane {
  begun: number
  done: number
}

describe('kill -9 in a loop of writes', () => {
  it('loses nothing acknowledged, splits no batch, and leaves a store that opens', { timeout: 120_000 }, async () => {
    const path = join(root, 'store')
    let [acknowledged, compactions] = [0, 0]
    for (let round = 0; round < ROUNDS; round++) {
      const lanes: Lane[] = LANES.map(() => ({ begun: -1, done: -1 }))
      const child = startProgram(program, [path, String(round)], (line) => {
        const [word, lane, call] = line.split(' ')
        const said = lanes[Number(lane)]
        if (word === 'store/compacted') compactions += 1
        else if (said !== undefined && word === 'begin') said.begun = Number(call)
        else if (said !== undefined && word === 'done') {
          said.done = Number(call)
          acknowledged += 1
        }
      })
      await child.line((line) => line.startsWith('done'))
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 150))
      child.process.kill('SIGKILL')
      expect((await child.ended).signal).toBe('SIGKILL')

      const store = fileStore(path)
      const entries = new Map<string, string>()
      for await (const { key, value } of store.scan('')) entries.set(key, new TextDecoder().decode(value).trimEnd())
      await store.close()
      for (const [lane, { begun, done }] of lanes.entries()) {
        const last = entries.get(`left/${lane}`)
        expect(entries.get(`right/${lane}`), 'both halves of the last batch').toBe(last)
        if (done < 0) continue
        // Everything acknowledged, and of the call under way either all or nothing.
        expect([done, begun]).toContain(Number(last))
        const first = Math.max(Number(last) - 19, round * 1_000_000)
        for (let call = first; call <= Number(last); call++) expect(entries.get(`item/${lane}/${call}`), `call ${call}`).toBe(`${call}`)
        const items = [...entries.keys()].filter(
          (key) => key.startsWith(`item/${lane}/${round === 0 ? '' : round}`) && Number(key.split('/')[2]) >= round * 1_000_000,
        )
        expect(items, 'what was deleted stays deleted, what was not written is not there').toHaveLength(Number(last) - first + 1)
      }
    }
    console.log(`kill -9: ${ROUNDS} rounds, ${acknowledged} acknowledged writes, ${compactions} compactions`)
    expect(acknowledged).toBeGreaterThan(ROUNDS * 4)
    expect(compactions).toBeGreaterThan(ROUNDS)
  })
})
