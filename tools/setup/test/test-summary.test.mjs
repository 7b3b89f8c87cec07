// The closing line of `npm test` is what people and machines trust; these are the ways in which it could lie.
import { expect, test } from 'vitest'
import { summarize } from '../test-summary.mjs'

const file = (assertionResults, more = {}) => ({ name: 'a.test.ts', status: 'passed', message: '', assertionResults, ...more })
const one = (status, fullName = 'keeps its promise') => ({ status, fullName })
const plain = { exitCode: 0, hasBuilt: true, mustRunAll: false, hasExternalVectors: false }
const counts = ({ passed, failed, skipped }) => ({ passed, failed, skipped })

test('counts passed, failed and skipped tests', () => {
  const report = {
    testResults: [file([one('passed'), one('passed'), one('failed')], { status: 'failed' }), file([one('skipped'), one('todo')])],
  }
  expect(counts(summarize({ ...plain, report, exitCode: 1 }))).toEqual({ passed: 2, failed: 1, skipped: 2 })
})

test('a file that cannot be loaded is a failure', () => {
  const report = { testResults: [file([], { status: 'failed', message: 'Cannot find package' }), file([one('passed')])] }
  const summary = summarize({ ...plain, report, exitCode: 1 })
  expect(counts(summary)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  expect(summary.notes.join()).toContain('Cannot find package')
})

test('a runner that dies without a report is a failure', () => {
  expect(counts(summarize({ ...plain, report: undefined, exitCode: 134 }))).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('an error outside of tests is a failure although every test passed', () => {
  expect(counts(summarize({ ...plain, report: { testResults: [file([one('passed')])] }, exitCode: 1 }))).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  })
})

test('a failed build is a failure although every test passed', () => {
  const report = { testResults: [file([one('passed')])] }
  expect(counts(summarize({ ...plain, report, hasBuilt: false }))).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('where every test is required a skipped one is a failure', () => {
  const report = { testResults: [file([one('skipped')])] }
  expect(counts(summarize({ ...plain, report, mustRunAll: true }))).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('tests of external vectors may be skipped where there are none, and only there', () => {
  const report = { testResults: [file([one('skipped', 'passes the external vectors for X25519')])] }
  expect(counts(summarize({ ...plain, report, mustRunAll: true }))).toEqual({ passed: 0, failed: 0, skipped: 1 })
  expect(counts(summarize({ ...plain, report, mustRunAll: true, hasExternalVectors: true }))).toEqual({ passed: 0, failed: 1, skipped: 0 })
})
