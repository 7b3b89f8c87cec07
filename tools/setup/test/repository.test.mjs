// The check of READMEs and of the table in ARCHITECTURE.md can fail.
import { expect, test } from 'vitest'
import { missingSections, tableProblems } from '../check/repository.mjs'

const readme = '# @ockam/x\n\n```sh\nnpm install @ockam/core @ockam/x\n```\n\n## Errors\n\n## Security notes\n\n## Dependencies\n'

test('a README has an install line, errors, security and dependencies', () => {
  expect(missingSections(readme, '@ockam/x')).toEqual([])
  expect(missingSections(readme.replace('## Errors', '## Exit codes'), '@ockam/x')).toEqual([])
  expect(missingSections(readme.replace('## Errors', '### Errors'), '@ockam/x')).toEqual(['has no section "Errors"'])
  expect(missingSections(readme.replace('## Security notes', ''), '@ockam/x')).toEqual(['has no section "Security"'])
  expect(missingSections(readme.replace('## Dependencies', ''), '@ockam/x')).toEqual(['has no section "Dependencies"'])
  expect(missingSections(readme.replace('@ockam/x\n```', '@ockam/x-other\n```'), '@ockam/x')).toEqual([
    'does not tell how to install @ockam/x',
  ])
})

test('ARCHITECTURE.md has a row for every published package, and for nothing else', () => {
  const table = '| Package | What |\n|---|---|\n| `core` | all |\n| `portals` | holes |\n'
  expect(tableProblems(table, ['core', 'portals'])).toEqual([])
  expect(tableProblems(table, ['core', 'portals', 'cli'])).toEqual(['ARCHITECTURE.md has no row for cli'])
  expect(tableProblems(table, ['core'])).toEqual(['ARCHITECTURE.md has a row for portals, which is no published package'])
})
