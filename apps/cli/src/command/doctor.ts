/** `ockam doctor` */

import { CommandError } from '../error.ts'
import type { Finding } from '../node/examine.ts'
import type { CommandDefinition } from '../program/command.ts'

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' }

export const doctor: CommandDefinition = {
  name: 'doctor',
  summary: 'Look for what could be wrong on this machine',
  details:
    'Looks at the runtime, the state folder, vaults, identities and every node; changes nothing. The exit code is 1 when there is a problem.',
  examples: ['ockam doctor'],
  async run(_, { terminal, environment, openState, secrets }) {
    const [{ examine }, { statePath }] = await Promise.all([import('../node/examine.ts'), import('../state/state.ts')])
    const findings = await terminal.progress('Looking', () => examine(statePath(environment), openState, secrets))
    const columns = [
      { title: 'WHAT', value: (row: Finding) => row.what },
      { title: 'STATUS', value: (row: Finding) => MARKS[row.status] },
      { title: 'FOUND', value: (row: Finding) => row.found },
      { title: 'ADVICE', value: (row: Finding) => row.advice ?? '' },
    ]
    await terminal.table(findings, columns, (row) => row, '')
    const problems = findings.filter(({ status }) => status === 'problem')
    if (problems.length === 0) return
    throw new CommandError('cli/failed', `${problems.length === 1 ? 'One problem was' : `${problems.length} problems were`} found.`, {
      hint: problems[0]?.advice ?? undefined,
    })
  },
}
