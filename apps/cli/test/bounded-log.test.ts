/** A node's log stays small, whatever others do, and can be read and followed all the same. */

import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { boundedLog, LimitedDiagnostics } from '../src/node/bounded-log.ts'
import { printLog } from '../src/node/print-log.ts'

let folder: string
let path: string
let file: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bounded-log-'))
  path = join(folder, 'node.log')
  // As a node's standard error is opened.
  file = openSync(path, 'a', 0o600)
})
afterEach(async () => {
  vi.useRealTimers()
  closeSync(file)
  await rm(folder, { recursive: true })
})

const write = (line: string): void => void writeSync(file, `${line}\n`)

describe('a log', () => {
  test('never grows beyond its limit, and keeps one old file, for its user alone', async () => {
    const log = boundedLog(path, write, 100)
    for (let i = 0; i < 1000; i++) {
      log(`line ${String(i).padStart(4, '0')}`)
      expect((await stat(path)).size).toBeLessThanOrEqual(100)
    }
    const old = await readFile(`${path}.1`, 'utf8')
    expect((await stat(`${path}.1`)).mode & 0o777).toBe(0o600)
    // Together they are the last lines, without a gap.
    const last = (old + (await readFile(path, 'utf8'))).trimEnd().split('\n')
    expect(old).toHaveLength(100)
    expect(last).toEqual(last.map((_, i) => `line ${String(1000 - last.length + i).padStart(4, '0')}`))
  })

  test('counts what was in it before', async () => {
    appendFileSync(path, 'x'.repeat(99))
    boundedLog(path, write, 100)('new')
    expect(await readFile(path, 'utf8')).toBe('new\n')
  })

  test('that begins anew is followed on', async () => {
    const log = boundedLog(path, write, 100)
    let seen = ''
    const stop = new AbortController()
    const following = printLog({
      path,
      lines: undefined,
      isFollowing: true,
      isRunning: () => true,
      write: (bytes) => (seen += Buffer.from(bytes).toString()),
      signal: stop.signal,
    })
    log('a'.repeat(90))
    await expect.poll(() => seen).toContain('a\n')
    log('b'.repeat(30))
    await expect.poll(() => seen).toBe(`${'a'.repeat(90)}\n${'b'.repeat(30)}\n`)
    stop.abort()
    await following
  })
})

describe('events', () => {
  test('of one name beyond so many a second are counted, and others are written', () => {
    vi.useFakeTimers()
    const events: string[] = []
    const diagnostics = new LimitedDiagnostics({ event: (name, details) => void events.push(`${name} ${JSON.stringify(details)}`) })
    for (let i = 0; i < 1000; i++) diagnostics.event('routing/connection-opened', { i })
    diagnostics.event('other/event', {})
    expect(events).toHaveLength(21)
    expect(events.at(-1)).toBe('other/event {}')
    vi.advanceTimersByTime(1000)
    expect(events.slice(21)).toEqual(['routing/connection-opened {"leftOut":980}'])
    vi.advanceTimersByTime(5000)
    diagnostics.event('routing/connection-opened', { i: 1 })
    expect(events.at(-1)).toBe('routing/connection-opened {"i":1}')
    vi.advanceTimersByTime(1000)
    expect(events).toHaveLength(23)
  })
})
