import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeFileHeader, encodeFrame, FILE_HEADER_LENGTH, FRAME_HEADER_LENGTH } from '../src/log-format.ts'
import { bundleProgram } from './child-program.ts'

let root = ''
let readme = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
})
afterAll(() => rm(root, { recursive: true }))

describe('the README', () => {
  it('shows an example that does what it says', async () => {
    const source = new URL('./program/example.ts', import.meta.url)
    expect(readme).toContain(`\`\`\`ts\n${await readFile(source, 'utf8')}\`\`\``)
    const { stdout } = await promisify(execFile)(process.execPath, [await bundleProgram(source, root)], { cwd: root })
    expect(readme).toContain(`\`\`\`\n${stdout}\`\`\``)
  })

  it('describes the format that is written: offsets and lengths in its tables add up', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| (\d+) \|/gm)].map(([, offset, length]) => [Number(offset), Number(length)] as const)
    const tables: number[] = []
    let end = 0
    for (const [offset, length] of rows) {
      if (offset === 0 && end > 0) tables.push(end)
      expect(offset).toBe(offset === 0 ? 0 : end)
      end = offset + length
    }
    expect([...tables, end]).toEqual([FILE_HEADER_LENGTH, FRAME_HEADER_LENGTH])
    expect(encodeFileHeader().bytes).toHaveLength(FILE_HEADER_LENGTH)
    expect(encodeFrame(new Uint8Array(12), 1, [], 0)).toHaveLength(FRAME_HEADER_LENGTH)
  })
})
