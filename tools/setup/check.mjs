// `npm run check`: everything about the repository that is not a test. Runs every step, shows the output of those that fail,
// and ends with a summary. Arguments name the steps to run: `npm run check -- lint types`.
import { boundaries, format, lint, unused } from './check/command.mjs'
import { installScripts } from './check/install-script.mjs'
import { packageTruth } from './check/package-truth.mjs'
import { repository } from './check/repository.mjs'
import { size } from './check/size.mjs'
import { types } from './check/types.mjs'
import { build, install } from './workspace.mjs'

/** Each step resolves with `{ ok, output }`. */
const steps = [
  { name: 'format', promise: 'Biome would not change a file', run: format },
  { name: 'lint', promise: 'oxlint, with type information, finds nothing', run: lint },
  { name: 'types', promise: 'sources and tests type-check', run: types },
  { name: 'boundaries', promise: 'packages import only what they may', run: boundaries },
  { name: 'unused', promise: 'no unused file, export or dependency', run: unused },
  {
    name: 'repository',
    promise: 'every package has a whole README, a LICENSE and a row in ARCHITECTURE.md, no file names a machine',
    run: repository,
  },
  { name: 'install-scripts', promise: 'nothing a browser-safe package needs runs code when installed', run: installScripts },
  { name: 'build', promise: 'every package builds', run: async () => ({ ok: await build(), output: '' }) },
  { name: 'packages', promise: 'packed tarballs satisfy publint and are-the-types-wrong', run: packageTruth, needsBuild: true },
  { name: 'size', promise: 'browser bundles stay within their budgets', run: size, needsBuild: true },
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name))
if (unknown.length > 0) {
  console.error(`error: no check is called ${unknown.join(', ')}.`)
  console.error(`hint: the checks are ${steps.map((step) => step.name).join(', ')}.`)
  process.exit(2)
}

await install()
const selected = steps.filter((step) => wanted.length === 0 || wanted.includes(step.name))
const needsBuild = selected.some((step) => step.needsBuild)
const results = []
for (const step of steps.filter((one) => selected.includes(one) || (needsBuild && one.name === 'build'))) {
  const startedAt = performance.now()
  console.log(`-- ${step.name}: ${step.promise}`)
  const hasFailedBuild = results.some((result) => result.name === 'build' && !result.ok)
  const { ok, output } =
    step.needsBuild && hasFailedBuild
      ? { ok: false, output: 'Not possible, because the build failed.' }
      : await step.run().catch((error) => ({ ok: false, output: String(error.stack) }))
  if (output.trim() !== '' && (!ok || step.name === 'size')) console.log(output.trimEnd())
  results.push({ name: step.name, ok, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) })
}

console.log('\nChecks:')
for (const { name, ok, seconds } of results) console.log(`  ${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
const failed = results.filter((result) => !result.ok)
console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.map((result) => result.name).join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
