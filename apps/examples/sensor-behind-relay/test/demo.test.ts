/** The demonstration, as `npm start` runs it after set-up. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { endPrograms, run, runShell } from './running-program.ts'

afterEach(endPrograms)

const root = fileURLToPath(new URL('../../../..', import.meta.url))

describe('the demonstration', () => {
  test('runs to its end with exit code 0, and shows what its README promises', async () => {
    const demo = run('demo')
    expect(await demo.exited, demo.lines.join('\n')).toBe(0)
    const from = (label: string): string[] => demo.lines.filter((line) => line.startsWith(label.padEnd(9)))

    const identifiers = ['service', 'device', 'relay'].map((name) =>
      demo.lines.find((line) => new RegExp(`^${name} +I[0-9a-f]{64}$`).test(line))?.slice(-65),
    )
    expect(new Set(identifiers).size).toBe(3)
    const [service, device, relay] = identifiers as [string, string, string]
    // Each of the three programs has the identity from its own folder.
    expect(from('relay').join('\n')).toContain(`relay    is ${relay}, listens on /ip4/127.0.0.1/tcp/`)

    // The service is the same before and after its restart, and the device has proof of talking to it.
    expect(from('service').filter((line) => line.includes('reachable at'))).toEqual([
      `service  is ${service}, reachable at forward_to_service`,
      `service  is ${service}, reachable at forward_to_service`,
    ])
    expect(from('device').filter((line) => line.includes('has '))).toHaveLength(2)
    for (const line of from('device').filter((one) => one.includes('has '))) expect(line).toContain(service)

    // Every reading got an answer, and the service knew whose it was.
    expect(from('device').filter((line) => line.includes('was told'))).toHaveLength(7)
    const heard = from('service').filter((line) => line.includes(' says load '))
    expect(heard).toHaveLength(7)
    for (const line of heard)
      expect(line).toMatch(new RegExp(`^service +${device.slice(0, 9)}… says load \\d+\\.\\d\\d, memory \\d+ %, up \\d+ s$`))

    expect(from('stranger').join('\n')).toContain('routing/timeout')
    expect(from('service').join('\n')).toContain('without a word (secure-channel/untrusted-peer)')
    expect(from('stranger').join('\n')).not.toContain('was told')

    const seen = from('relay').filter((line) => line.includes(' sees '))
    expect(seen.length).toBeGreaterThan(20)
    for (const line of seen) expect(line).toMatch(/sees \d+ bytes [0-9a-f]+… {2}to \[.+\] {2}back to \[.*\]$/)
    expect(seen.join('\n')).not.toMatch(/thermostat|I[0-9a-f]{8}/)

    const summary = demo.lines.slice(demo.lines.indexOf('Summary')).join('\n')
    for (const word of ['7 readings', 'ciphertext', 'refused', 'kept its identifier']) expect(summary).toContain(word)
  }, 60_000)

  test('--keep leaves relay and service up for the device it names, until SIGINT; then all end, with exit code 0', async () => {
    const demo = run('demo', {}, ['--keep'])
    const command = await demo.line('device.js')
    const device = runShell(command, root)
    expect(await device.exited, device.lines.join('\n')).toBe(0)
    expect(device.lines.filter((line) => line.startsWith('was told'))).toHaveLength(5)

    demo.signal('SIGINT')
    expect(await demo.exited, demo.lines.join('\n')).toBe(0)
    // Nobody is left behind.
    const port = Number(command.match(/RELAY=\S+\/tcp\/(\d+)/)?.[1])
    const [error] = await once(connect(port, '127.0.0.1'), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  }, 60_000)
})
