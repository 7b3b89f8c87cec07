// `npm test`: installs and builds when needed, runs the whole suite, and ends with one plain line that counts:
//   Tests: N passed, N failed, N skipped
// Arguments go to vitest: `npm test -- packages/core`. Exit code 0 only when tests ran and nothing failed.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, install, root, run, stateFolder } from './workspace.mjs'
import { summarize } from './test-summary.mjs'

await install()
const hasBuilt = await build()

const reportFile = join(stateFolder, 'test-report.json')
mkdirSync(stateFolder, { recursive: true })
rmSync(reportFile, { force: true })
const reporting = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
const { code } = await run('vitest', ['run', ...reporting, ...process.argv.slice(2)])

const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined
const summary = summarize({
  report,
  exitCode: code,
  hasBuilt,
  mustRunAll: process.env.OCKAM_TEST_REQUIRE === 'all',
  hasExternalVectors: Boolean(process.env.OCKAM_EXTERNAL_VECTORS),
  fileName: (path) => relative(root, path),
})
for (const note of summary.notes) console.log(note)
console.log(`\nTests: ${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`)
process.exitCode = summary.failed === 0 ? 0 : 1
