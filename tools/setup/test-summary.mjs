// Counts a vitest JSON report honestly: a file that could not be loaded, a crash, a failed build, and (when everything is required)
// a skipped test are failures too.

const skipStates = new Set(['skipped', 'pending', 'todo', 'disabled'])

/** Tests named so may be skipped where no folder of external vectors is given; `OCKAM_TEST_REQUIRE=all` does not change that. */
const needsExternalVectors = /external vectors/i

/**
 * `report` is vitest's JSON report, or undefined when vitest died before writing one.
 * Returns the three counts and the sentences to print before them.
 */
export const summarize = ({ report, exitCode, hasBuilt, mustRunAll, hasExternalVectors, fileName = (path) => path }) => {
  let passed = 0
  let failed = 0
  let skipped = 0
  const notes = []
  const fail = (note) => {
    failed += 1
    notes.push(note)
  }
  for (const file of report?.testResults ?? []) {
    const name = fileName(file.name)
    let failedHere = 0
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1
      else if (!skipStates.has(test.status)) {
        failedHere += 1
        fail(`failed: ${name}: ${test.fullName}`)
      } else if (mustRunAll && (hasExternalVectors || !needsExternalVectors.test(test.fullName)))
        fail(`failed, because every test is required and this one was skipped: ${name}: ${test.fullName}`)
      else {
        skipped += 1
        notes.push(`skipped: ${name}: ${test.fullName}`)
      }
    }
    if (file.status === 'failed' && failedHere === 0) fail(`failed: ${name} could not run to its end: ${firstLine(file.message)}`)
  }
  if (!hasBuilt) fail('failed: the build (see above)')
  if (report === undefined) fail(`failed: the test runner stopped without a report (exit code ${exitCode})`)
  else if (exitCode !== 0 && failed === 0)
    fail(`failed: the test runner reported errors outside of tests (exit code ${exitCode}, see above)`)
  return { passed, failed, skipped, notes }
}

const firstLine = (text) => (text ?? '').split('\n', 1)[0]
